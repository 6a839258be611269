"""The questions written for this book over WikiText-2's test articles: valid SQuAD 2.0, and enough of them."""

import json
import re

import pytest

from llm_finetuning import corpora, questions


@pytest.fixture(scope="module")
def file(root):
    return json.loads((root / "src/llm_finetuning/data/wikitext-questions.json").read_text("utf-8"))


def faults(file, lines):
    """Everything that SQuAD 2.0's format, or reading the file, would trip over."""
    found, ids = [], set()
    paragraphs = [paragraph for article in file["data"] for paragraph in article["paragraphs"]]
    for paragraph in paragraphs:
        context = paragraph["context"]
        if context not in lines:
            found.append(f"not a paragraph of the test articles: {context[:60]}")
        for qa in paragraph["qas"]:
            if qa["id"] in ids:
                found.append(f"twice: {qa['id']}")
            ids.add(qa["id"])
            if qa["is_impossible"] == bool(qa["answers"]):
                found.append(f"answered and impossible, or neither: {qa['id']}")
            if not qa["question"].endswith("?"):
                found.append(f"no question: {qa['question']}")
            for answer in qa["answers"]:
                start, text = answer["answer_start"], answer["text"]
                if context[start : start + len(text)] != text:
                    found.append(f"not at {start}: {text}")
                if text.lower() in qa["question"].lower():
                    found.append(f"the question gives it away: {text}")
    return found


def test_the_file_is_valid(file):
    assert file["version"] == "v2.0" and "CC BY-SA" in file["licence"]
    assert faults(file, set(corpora.load("wikitext-2")["test"]["text"])) == []


def test_there_are_enough_questions(file):
    impossible = [qa["is_impossible"] for a in file["data"] for p in a["paragraphs"] for qa in p["qas"]]
    assert impossible.count(False) >= 120 and impossible.count(True) >= 30
    assert len(file["data"]) >= 30  # articles


def test_a_fault_would_be_found(file):
    broken = json.loads(json.dumps(file))
    questions = broken["data"][0]["paragraphs"][0]["qas"]
    questions[0]["answers"][0]["answer_start"] += 1
    questions[1]["is_impossible"] = True
    questions[2]["id"] = questions[3]["id"]
    assert len(faults(broken, {p["context"] for a in broken["data"] for p in a["paragraphs"]})) == 3


def test_wikitext_becomes_what_people_write():
    raw = 'He said : " a well @-@ known 3 @,@ 000 ( or 2 @.@ 5 % ) of Boulter \'s " . It cost $ 5 !'
    assert questions.clean(raw) == 'He said: "a well-known 3,000 (or 2.5%) of Boulter\'s". It cost $5!'
    assert questions.clean("") == ""


def test_answers_stay_where_they_are_when_the_text_is_cleaned(file):
    rows = questions.load()
    asked = [qa for article in file["data"] for paragraph in article["paragraphs"] for qa in paragraph["qas"]]
    assert rows["id"][:] == [qa["id"] for qa in asked]
    for row, qa in zip(rows, asked, strict=True):
        texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
        assert len(texts) == len(starts) == len(qa["answers"])
        for text, start, answer in zip(texts, starts, qa["answers"], strict=True):
            assert row["context"][start : start + len(text)] == text
            # Only blanks, and the marks of WikiText, come and go.
            assert text.replace(" ", "") == re.sub(r" @(.)@ ", r"\1", answer["text"]).replace(" ", "")
        assert " @" not in row["context"] and " ," not in row["context"]
