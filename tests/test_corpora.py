"""The corpora are what the literature measured on, and the words of a split are numbered as it did."""

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from llm_finetuning import corpora, sources


@pytest.fixture(scope="module")
def wikitext():
    return corpora.load("wikitext-2")


def small(train):
    return DatasetDict(
        {split: Dataset.from_dict({"text": text}) for split, text in {"train": train, "test": ["a z", ""]}.items()}
    )


def test_wikitext_has_the_published_vocabulary_and_numbers_of_tokens(wikitext):
    vocabulary, numbers = corpora.words(wikitext)
    assert len(vocabulary) == 33_278  # Merity et al. (2016), table 1, as are the next three
    sizes = {split: len(found) for split, found in numbers.items()}
    assert sizes == {"train": 2_088_628, "validation": 217_646, "test": 245_569}
    assert np.mean(numbers["train"] == 0) == pytest.approx(0.026, abs=0.0005)


def test_a_split_reads_back_as_its_text(wikitext):
    vocabulary, numbers = corpora.words(wikitext)
    read_back = " ".join(vocabulary[i] for i in numbers["test"][:30]).split("<eos>")
    assert read_back[1].split() == ["=", "Robert", "<unk>", "="]  # "Boulter" is in no training article thrice
    assert read_back[3].split()[:4] == wikitext["test"]["text"][3].replace("Boulter", "<unk>").split()[:4]


def test_no_paragraph_of_the_test_articles_is_trained_on(wikitext):
    paragraphs = {split: {text for text in rows["text"] if len(text.split()) > 20} for split, rows in wikitext.items()}
    assert len(paragraphs["test"] & paragraphs["train"]) == 0
    assert len(paragraphs["test"] & paragraphs["validation"]) == 0


def test_peoples_daily_keeps_its_order_and_no_line_is_in_two_splits():
    data = corpora.load("peoples-daily")
    assert {split: len(rows) for split, rows in data.items()} == {"train": 15296, "validation": 1921, "test": 1949}
    assert data["train"]["text"][0] == "迈向充满希望的新世纪——一九九八年新年讲话（附图片１张）"
    assert data["train"]["tagged"][0].startswith("迈向/v  充满/v  希望/n  的/u")
    lines = {split: set(rows["text"]) for split, rows in data.items()}
    assert not lines["test"] & (lines["train"] | lines["validation"]) and not lines["train"] & lines["validation"]
    assert sum(word.endswith("/ns") for text in data["train"]["tagged"] for word in text.split()) > 20_000
    assert "908,788" in corpora.card("peoples-daily", data).data


def test_rare_words_and_line_ends_have_numbers_of_their_own():
    vocabulary, numbers = corpora.words(small(["b a a", "b b", "c"]), min_count=2)
    assert vocabulary == ["<unk>", "<eos>", "b", "a"]
    assert numbers["train"].tolist() == [2, 3, 3, 1, 2, 2, 1, 0, 1]
    assert numbers["test"].tolist() == [3, 0, 1, 1]


def test_unknown_names():
    with pytest.raises(ValueError, match="choose one of peoples-daily, wikitext-2"):
        corpora.load("wikitext-3")
    with pytest.raises(ValueError, match="choose one of packaged, hub"):
        corpora.load("wikitext-2", "elsewhere")
    with pytest.raises(ValueError, match="choose one of"):
        corpora.card("wikitext-3", small(["a"]))


def test_the_card_names_sizes_licence_and_source(wikitext):
    text = corpora.card("wikitext-2", wikitext).data
    for expected in ("train 2,051,910", "CC BY-SA", "](https://arxiv.org"):
        assert expected in text


def test_as_the_hub_delivers_it(hub):
    """Parquet files in a folder per configuration, lines with blanks and line breaks around them."""
    folder = hub("dataset", "Salesforce/wikitext") / "wikitext-2-raw-v1"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        rows = Dataset.from_dict({"text": ["", f" = {split} = \n", " one line . \n"]})
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    data = corpora.load("wikitext-2", "hub")
    assert {split: rows["text"][:] for split, rows in data.items()} == {
        split: ["", f"= {split} =", "one line ."] for split in ("train", "validation", "test")
    }


def test_a_hub_that_cannot_be_reached(hub):
    with pytest.raises(sources.SourceError, match='source="packaged"'):
        corpora.load("wikitext-2", "hub")
