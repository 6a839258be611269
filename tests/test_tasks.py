"""The data sets are what their cards say, and nothing of a test set leaks into training."""

import hashlib
import re
import subprocess
import sys

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from llm_finetuning import tasks


def overlap(data):
    test = set(data["test"]["text"])
    return {split: len(test & set(data[split]["text"])) for split in ("train", "validation")}


NAMES = ["trec", "trec-50", "rotten_tomatoes", "imdb", "disaster_tweets", "chinese_reviews", "sms_spam"]


@pytest.fixture(scope="module", params=NAMES)
def task(request):
    return request.param, tasks.load(request.param)


def test_sizes(task):
    name, data = task
    # TREC: 5,452 official training questions but for ten that also stand in the official test set of 500.
    # Chinese reviews: 17,363 texts of 35,124 lines are left when each is kept once, and none that is in both files.
    # SMS: 4,801 messages of 5,574 are left.
    # IMDB: 25,000 reviews less 98 repeated or contradictory ones. Tweets: 7,613 less 729.
    expected = {
        "trec": (4942, 500, 500),
        "trec-50": (4942, 500, 500),
        "rotten_tomatoes": (7030, 500, 1000),
        "imdb": (22402, 500, 2000),
        "disaster_tweets": (5384, 500, 1000),
        "chinese_reviews": (14863, 500, 2000),
        "sms_spam": (2801, 500, 1500),
    }[name]
    assert tuple(len(data[split]) for split in ("train", "validation", "test")) == expected


def test_no_test_sentence_is_trained_on(task):
    assert overlap(task[1]) == {"train": 0, "validation": 0}


def test_a_leak_would_be_found(task):
    leaking = dict(task[1]) | {"train": task[1]["test"].select([7])}
    assert overlap(leaking) == {"train": 1, "validation": 0}


def test_the_split_is_the_one_that_datasets_makes():
    data = tasks.load("trec")["validation"]
    expected = data.train_test_split(100, seed=0, stratify_by_column="label")
    found = tasks._split(data, 100)
    assert {part: rows[:] for part, rows in found.items()} == {part: rows[:] for part, rows in expected.items()}


def test_a_test_sentence_in_the_training_file_is_taken_out_of_training(monkeypatch):
    features = Features({"text": Value("string"), "label": ClassLabel(num_classes=2)})

    def sentences(names):
        return Dataset.from_dict({"text": names, "label": [i % 2 for i in range(len(names))]}, features=features)

    def leaky():
        return {"train": sentences([str(i) for i in range(600)]), "test": sentences(["5", "300", "new"])}

    monkeypatch.setitem(tasks.TASKS, "trec", tasks.Task(**vars(tasks.TASKS["trec"]) | {"load": leaky}))
    data = tasks.load("trec")
    assert overlap(data) == {"train": 0, "validation": 0}
    assert {split: len(rows) for split, rows in data.items()} == {"train": 98, "validation": 500, "test": 3}


def test_another_process_makes_the_same_splits(task):
    name, data = task
    code = (
        "import hashlib, sys; from llm_finetuning import tasks\n"
        "print(hashlib.sha256(repr([rows[:] for rows in tasks.load(sys.argv[1]).values()]).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", code, name]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert printed == hashlib.sha256(repr([rows[:] for rows in data.values()]).encode()).hexdigest()


def test_trec_has_its_official_test_set_and_its_classes_under_their_own_names():
    test = tasks.load("trec")["test"]
    label = test.features["label"]
    assert label.names == ["DESC", "ENTY", "ABBR", "HUM", "NUM", "LOC"]
    assert test["text"][0] == "How far is it from Denver to Aspen ?"
    # Counts of the official test set as Li and Roth published it.
    counts = {name: test["label"][:].count(label.str2int(name)) for name in label.names}
    assert counts == {"DESC": 138, "ENTY": 94, "ABBR": 9, "HUM": 65, "NUM": 113, "LOC": 81}
    named = {text: label.int2str(number) for text, number in zip(test["text"], test["label"], strict=True)}
    assert named["Who was Galileo ?"] == "HUM"
    assert named["What is an atom ?"] == "DESC"
    assert named["What does NASA stand for ?"] == "ABBR"


def test_trec_50_has_fifty_classes_and_each_is_a_part_of_the_coarse_class_that_its_name_begins_with():
    coarse, fine = (named_questions(tasks.load(name)) for name in ("trec", "trec-50"))
    assert len({name for _, name in fine}) == 50
    assert {(text, name.partition(":")[0]) for text, name in fine} == coarse
    assert ("What is the capital of Yugoslavia ?", "LOC:city") in fine
    assert ("How far is it from Denver to Aspen ?", "NUM:dist") in fine
    # The file gives one number to every "other": these two would be one class.
    assert ("Where is the Grand Canyon ?", "LOC:other") in fine
    assert ("What is the chromosome number of an elephant ?", "NUM:other") in fine


def named_questions(data):
    names = data["train"].features["label"].names
    return {
        (text, names[label]) for rows in data.values() for text, label in zip(rows["text"], rows["label"], strict=True)
    }


def test_rotten_tomatoes_is_balanced_in_every_split():
    for split, rows in tasks.load("rotten_tomatoes").items():
        assert sum(rows["label"]) == len(rows) / 2, split


def test_imdb_reviews_have_no_markup_for_line_breaks():
    for rows in tasks.load("imdb").values():
        assert not any("<br" in text for text in rows["text"])


def test_no_two_tweets_differ_in_their_link_alone():
    data = tasks.load("disaster_tweets")
    texts = [re.sub(r"https?://\S+", "", text).lower().strip() for rows in data.values() for text in rows["text"]]
    assert len(set(texts)) == len(texts) > 6000


def test_all_of_the_sms_collection_is_found_before_repetitions_are_dropped(monkeypatch):
    found = {}

    def keep_all(texts, same, labels):
        found["ham"], found["spam"] = int((labels == 0).sum()), int((labels == 1).sum())
        assert not texts.str.contains("ham\t|spam\t", regex=True).any()
        return texts, labels

    monkeypatch.setattr(tasks, "_unambiguous", keep_all)
    tasks.load("sms_spam")
    assert found == {"ham": 4827, "spam": 747}  # Almeida et al. 2011, table 1


def test_no_message_of_the_sms_test_set_nearly_stands_in_training():
    data = tasks.load("sms_spam")
    words = {
        split: [set(re.findall(r"[^\W\d_]+", text.lower())) for text in rows["text"]] for split, rows in data.items()
    }
    close = [
        (mine, other)
        for mine in words["test"]
        for split in ("train", "validation")
        for other in words[split]
        if min(len(mine), len(other)) >= 5 and len(mine & other) > 0.6 * len(mine | other)
    ]
    assert close == []


def test_a_message_that_shares_most_of_its_words_with_an_earlier_one_is_seen():
    texts = pd.Series(
        ["win a big prize now call", "no", "Win a BIG prize now, text 80123", "no", "the prize is a big old cat"]
    )
    assert tasks._seen_before(texts).tolist() == [False, False, True, False, False]


def test_a_text_whose_labels_contradict_each_other_is_dropped():
    texts, labels = pd.Series(["a", "b", "b", "c", "c"]), pd.Series([0, 0, 1, 1, 1])
    kept = tasks._unambiguous(texts, texts, labels)
    assert [part.tolist() for part in kept] == [["a", "c"], [0, 1]]


def test_the_card_names_sizes_classes_licence_and_source(task):
    name, data = task
    text = tasks.card(name, data).data
    for expected in (f"{len(data['train']):,}", data["train"].features["label"].names[0], "licence", "](https://"):
        assert expected in text
    assert text == tasks.card(name, data).data
    assert "package" in text
    on_the_hub = tasks.TASKS[name].hub is not None
    assert ("package" not in tasks.card(name, data, "hub").data) == on_the_hub


def hub_rows(split, size, label, names):
    features = Features({"text": Value("string"), label: ClassLabel(names=names), "extra": Value("int64")})
    rows = {"text": [f"{split} {i}" for i in range(size)], label: [i % len(names) for i in range(size)]}
    return Dataset.from_dict(rows | {"extra": [0] * size}, features=features)


def test_trec_as_the_hub_delivers_it(hub):
    """Parquet files of the conversion branch: the hub's column names and no validation split."""
    names = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]
    folder = hub("dataset", "CogComp/trec", "refs/convert/parquet") / "default"
    for split, size in (("train", 1200), ("test", 60)):
        (folder / split).mkdir(parents=True)
        hub_rows(split, size, "coarse_label", names).to_parquet(folder / split / "0000.parquet")
    data = tasks.load("trec", "hub")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 700, "validation": 500, "test": 60}
    assert data["train"].column_names == ["text", "label"]
    assert data["train"].features["label"].names == names


def test_rotten_tomatoes_as_the_hub_delivers_it(hub):
    """Parquet files in data/ and a card that names them: the official three splits stay as they are."""
    folder = hub("dataset", "cornell-movie-review-data/rotten_tomatoes")
    (folder / "data").mkdir()
    sizes = {"train": 20, "validation": 6, "test": 8}
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split, size in sizes.items():
        hub_rows(split, size, "label", ["neg", "pos"]).to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
        lines += [f"  - split: {split}", f"    path: data/{split}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))
    data = tasks.load("rotten_tomatoes", "hub")
    assert {split: len(rows) for split, rows in data.items()} == sizes
    assert data["validation"]["text"][0] == "validation 0"


def test_imdb_as_the_hub_delivers_it(hub):
    """Parquet files in plain_text/ and a card that names them: the reviews without labels are left out."""
    folder = hub("dataset", "stanfordnlp/imdb")
    (folder / "plain_text").mkdir()
    lines = ["---", "configs:", "- config_name: plain_text", "  data_files:"]
    for split, size in {"train": 600, "test": 8, "unsupervised": 4}.items():
        rows = hub_rows(split, size, "label", ["neg", "pos"])
        rows.to_parquet(folder / "plain_text" / f"{split}-00000-of-00001.parquet")
        lines += [f"  - split: {split}", f"    path: plain_text/{split}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))
    data = tasks.load("imdb", "hub")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 100, "validation": 500, "test": 8}
