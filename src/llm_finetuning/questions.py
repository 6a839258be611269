"""The questions written for this book over WikiText-2's test articles, in SQuAD's form, and text as people write it."""

import json
import re
from pathlib import Path

from datasets import Dataset, Features, List, Value

FILE = Path(__file__).parent / "data" / "wikitext-questions.json"
FEATURES = Features(
    {
        "id": Value("string"),
        "title": Value("string"),
        "context": Value("string"),
        "question": Value("string"),
        "answers": {"text": List(Value("string")), "answer_start": List(Value("int64"))},
    }
)
_TO_THE_LEFT = re.compile(r"[,.;:!?)\]%]|'|'(s|re|ve|ll|d|m|t)|n't")
_TO_THE_RIGHT = re.compile(r"[(\[$£€]")


def load() -> Dataset:
    """Return the questions, a row each, with the columns of SQuAD 2.0 as its home on the hub spells them.

    ``context`` is one paragraph, cleaned as by `clean`; ``answers`` holds the accepted answers, ``text`` and
    ``answer_start`` (the place in ``context``), both empty where the paragraph has no answer.
    """
    rows = []
    for article in json.loads(FILE.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            context, places = _clean(paragraph["context"])
            for qa in paragraph["qas"]:
                spans = [(a["answer_start"], a["answer_start"] + len(a["text"])) for a in qa["answers"]]
                starts = [places[start] for start, _ in spans]
                texts = [context[places[start] : places[end - 1] + 1] for start, end in spans]
                answers = {"text": texts, "answer_start": starts}
                rows.append(
                    {"id": qa["id"], "title": article["title"], "context": context, "question": qa["question"]}
                    | {"answers": answers}
                )
    return Dataset.from_list(rows, features=FEATURES)


def clean(text: str) -> str:
    """Return a line of WikiText as people write it: ``3 @,@ 000 ( or so ) .`` becomes ``3,000 (or so).``"""
    return _clean(text)[0]


def _clean(text: str) -> tuple[str, list[int]]:
    """Return the cleaned text and, for every character of ``text``, its place in there."""
    cleaned = ""
    places: list[int] = []
    glued, quoted = True, False
    for word in re.findall(r"\S+", text):
        joint = re.fullmatch(r"@([-,.])@", word)
        opens = bool(_TO_THE_RIGHT.fullmatch(word)) or (word == '"' and not quoted)
        closes = bool(_TO_THE_LEFT.fullmatch(word)) or (word == '"' and quoted) or bool(joint)
        quoted ^= word == '"'
        while len(places) < len(text) and text[len(places)].isspace():
            places.append(len(cleaned))
        if not (glued or closes):
            cleaned += " "
        shown = joint[1] if joint else word
        places += [len(cleaned) + min(i, len(shown) - 1) for i in range(len(word))]
        cleaned += shown
        glued = opens or bool(joint)
    places += [len(cleaned)] * (len(text) - len(places))
    return cleaned, places
