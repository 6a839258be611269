"""The data sets are what their cards say, and nothing of a test set leaks into training."""

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from llm_finetuning import sources, tasks


def overlap(data):
    test = set(data["test"]["text"])
    return {split: len(test & set(data[split]["text"])) for split in ("train", "validation")}


@pytest.fixture(scope="module", params=["trec", "rotten_tomatoes"])
def task(request):
    return request.param, tasks.load(request.param)


def test_sizes(task):
    name, data = task
    expected = {"trec": (4942, 500, 500), "rotten_tomatoes": (7030, 500, 1000)}[name]
    assert tuple(len(data[split]) for split in ("train", "validation", "test")) == expected


def test_no_test_sentence_is_trained_on(task):
    assert overlap(task[1]) == {"train": 0, "validation": 0}


def test_a_leak_would_be_found(task):
    leaking = dict(task[1]) | {"train": task[1]["test"]}
    assert overlap(leaking)["train"] > 0


def test_splits_never_change(task):
    name, data = task
    first = {"trec": "How far is it from Denver to Aspen ?", "rotten_tomatoes": data["test"][0]["text"]}[name]
    assert data["test"][0]["text"] == first
    assert list(tasks.load(name)["validation"]["text"]) == list(data["validation"]["text"])


def test_trec_has_its_six_classes_under_their_own_names():
    data = tasks.load("trec")
    label = data["test"].features["label"]
    assert label.names == ["DESC", "ENTY", "ABBR", "HUM", "NUM", "LOC"]
    labels = dict(zip(data["test"]["text"], data["test"]["label"], strict=True))
    assert label.int2str(labels["How far is it from Denver to Aspen ?"]) == "NUM"
    assert label.int2str(labels["Who was Galileo ?"]) == "HUM"


def test_rotten_tomatoes_is_balanced():
    labels = tasks.load("rotten_tomatoes")["test"]["label"]
    assert sum(labels) == 500


def test_the_card_names_sizes_licence_and_source(task):
    name, data = task
    text = tasks.card(name, data).data
    for expected in (f"{len(data['train']):,}", "licence", "aclanthology.org"):
        assert expected in text


def test_the_hub_delivers_the_same_columns_and_splits(tmp_path, monkeypatch):
    """A folder laid out as the hub lays out TREC: parquet files, the hub's column names, no validation split."""
    names = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]
    features = Features(
        {"text": Value("string"), "coarse_label": ClassLabel(names=names), "fine_label": Value("int64")}
    )
    for split, size in (("train", 1200), ("test", 60)):
        rows = {
            "text": [f"{split} question {i} ?" for i in range(size)],
            "coarse_label": [i % 6 for i in range(size)],
            "fine_label": [0] * size,
        }
        (tmp_path / "data").mkdir(exist_ok=True)
        Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    _, arguments, renamed = tasks.TASKS["trec"].hub
    arguments = {key: value for key, value in arguments.items() if key != "revision"}  # a folder has no revisions
    local = tasks.TASKS["trec"].__class__(**vars(tasks.TASKS["trec"]) | {"hub": (str(tmp_path), arguments, renamed)})
    monkeypatch.setitem(tasks.TASKS, "trec", local)
    data = tasks.load("trec", "hub")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 700, "validation": 500, "test": 60}
    assert data["train"].column_names == ["text", "label"]
    assert data["train"].features["label"].names == names
    assert overlap(data) == {"train": 0, "validation": 0}


def test_an_unreachable_hub_says_what_to_do(monkeypatch):
    monkeypatch.setattr(tasks, "load_dataset", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("refused")))
    with pytest.raises(sources.SourceError, match='source="packaged"'):
        tasks.load("trec", "hub")
