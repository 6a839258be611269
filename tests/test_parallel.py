"""English and Spanish sentence pairs: what they are, and that the splits share no English sentence."""

import re

import pytest

from llm_finetuning import parallel


@pytest.fixture(scope="module")
def pairs():
    return parallel.load()


def plain(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def test_no_english_sentence_is_in_two_splits(pairs):
    sentences = {split: {plain(text) for text in rows["en"]} for split, rows in pairs.items()}
    assert not sentences["train"] & sentences["test"]
    assert not sentences["train"] & sentences["validation"]
    assert not sentences["validation"] & sentences["test"]


def test_sizes(pairs):
    assert {split: len({plain(text) for text in rows["en"]}) for split, rows in pairs.items() if split != "train"} == (
        parallel.SIZES
    )
    assert len(pairs["train"]) > 130_000


def test_all_translations_of_a_sentence_stand_together_and_no_pair_twice(pairs):
    for rows in pairs.values():
        keys = [plain(text) for text in rows["en"]]
        starts = [key for before, key in zip([None, *keys], keys, strict=False) if key != before]
        assert len(starts) == len(set(starts))
        together = list(zip(rows["en"], rows["es"], strict=True))
        assert len(together) == len(set(together))


def test_the_split_does_not_depend_on_the_page_s_seed(pairs):
    assert parallel.load()["test"][:5] == pairs["test"][:5]


def test_card(pairs):
    text = parallel.card(pairs).data
    assert "CC BY" in text and "1,001 English sentences" in text
