"""Names in the People's Daily: the corpus' word tags read as entities, character by character."""

import re
from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

from llm_finetuning import corpora

KINDS = {"nr": "PER", "ns": "LOC", "nt": "ORG"}  # the corpus' tags for names of persons, places and organisations
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
# Family names of two characters that the corpus has; all others have one.
LONG_FAMILY_NAMES = {"欧阳", "诸葛", "司马", "南宫", "令狐", "司徒"}


def load(max_length: int = 126) -> DatasetDict:
    """Return the splits of `corpora.load("peoples-daily")`, cut into rows of at most ``max_length`` characters.

    Columns: ``tokens`` (the characters), ``ner_tags`` (a number of `TAGS` for each) and ``line`` (the line of the
    split that the row was cut from). Rows end at the end of a sentence where one is near enough, else at a comma,
    and never inside a name. Joined in order, the rows of a line are the line.
    """
    features = Features(
        {"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=TAGS)), "line": Value("int32")}
    )
    splits = {}
    for split, data in corpora.load("peoples-daily").items():
        rows: dict[str, list[Any]] = {"tokens": [], "ner_tags": [], "line": []}
        for number, tagged in enumerate(data["tagged"]):
            characters, tags = label(tagged)
            for start, end in cut(characters, tags, max_length):
                rows["tokens"].append(characters[start:end])
                rows["ner_tags"].append([TAGS.index(tag) for tag in tags[start:end]])
                rows["line"].append(number)
        splits[split] = Dataset.from_dict(rows, features=features)
    return DatasetDict(splits)


def label(tagged: str) -> tuple[list[str], list[str]]:
    """Return the characters of a tagged line and the BIO tag of each.

    The corpus tags family and given name as two words: they are joined (`join`). Other neighbours stay apart, so
    two places in a row are two names.
    """
    characters: list[str] = []
    tags: list[str] = []
    for word, kind in join([_word(item) for item in tagged.split()]):
        characters += word
        tags += ["O"] * len(word) if kind is None else [f"B-{kind}"] + [f"I-{kind}"] * (len(word) - 1)
    return characters, tags


def join(words: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Return the words with each family name joined to the given name behind it.

    A person's word of one character is a family name, and so is one of `LONG_FAMILY_NAMES`. A married woman's
    name may have two family names, her husband's and her own: three such words that stand alone are one name.
    """
    joined: list[tuple[str, str | None]] = []
    at = 0
    while at < len(words):
        end = at + 1
        if words[at][1] == "PER":
            while end < len(words) and words[end][1] == "PER":
                end += 1
            joined += [(name, "PER") for name in _persons([word for word, _ in words[at:end]])]
        else:
            joined.append(words[at])
        at = end
    return joined


def cut(characters: list[str], tags: list[str], max_length: int) -> list[tuple[int, int]]:
    """Return the (start, end) of the rows of a line: as few as its ends of sentences allow, from the left."""
    rows = []
    start = 0
    while len(characters) - start > max_length:
        window = "".join(characters[start : start + max_length])
        ends = [match.end() for match in re.finditer("[。！？；][”』’）]*", window)]
        commas = [match.end() for match in re.finditer("[，、：]", window)]
        anywhere = [at for at in range(1, max_length + 1) if not tags[start + at].startswith("I-")]
        # A closing quotation mark may lie just outside of the window, or a comma inside a name.
        allowed = next(([at for at in places if at in anywhere] for places in (ends, commas) if places), [])
        end = start + (allowed or anywhere or [max_length])[-1]
        rows.append((start, end))
        start = end
    return [*rows, (start, len(characters))]


def _word(item: str) -> tuple[str, str | None]:
    word, _, tag = item.rpartition("/")
    return word, KINDS.get(tag)


def _persons(words: list[str]) -> list[str]:
    if len(words) == 3 and len(words[0]) == len(words[1]) == 1 < len(words[2]):
        return ["".join(words)]
    names = []
    at = 0
    while at < len(words):
        is_family = len(words[at]) == 1 or words[at] in LONG_FAMILY_NAMES
        names.append("".join(words[at : at + 2]) if is_family else words[at])
        at += 2 if is_family else 1
    return names
