"""The corpus' word tags become entities by the rules that page 6.2 states."""

import itertools

import pytest

from llm_finetuning import corpora, entities


@pytest.fixture(scope="module")
def data():
    return entities.load()


def names(tagged):
    characters, tags = entities.label(tagged)
    found = []
    for character, tag in zip(characters, tags, strict=True):
        if tag.startswith("B-"):
            found.append([character, tag[2:]])
        elif tag.startswith("I-"):
            found[-1][0] += character
    return [tuple(name) for name in found]


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("主席/n  江/nr  泽民/nr  发表/v", [("江泽民", "PER")]),  # family and given name
        ("欧阳/nr  修/nr", [("欧阳修", "PER")]),  # a family name of two characters
        ("李/nr  鹏/nr  乔/nr  石/nr", [("李鹏", "PER"), ("乔石", "PER")]),  # two persons in a row
        ("陈/nr  方/nr  安生/nr", [("陈方安生", "PER")]),  # her husband's family name, her own, her given name
        ("龙/nr  益飞/nr  石雄/nr", [("龙益飞", "PER"), ("石雄", "PER")]),
        ("克林顿/nr  总统/n", [("克林顿", "PER")]),  # a foreign name is one word
        ("马克思/nr  恩格斯/nr", [("马克思", "PER"), ("恩格斯", "PER")]),
        ("江/nr  、/w  李/nr", [("江", "PER"), ("李", "PER")]),  # a family name alone
        ("山东省/ns  济南市/ns", [("山东省", "LOC"), ("济南市", "LOC")]),  # places are not joined
        ("新华社/nt  记者/n  兰/nr  红光/nr  摄/Vg", [("新华社", "ORG"), ("兰红光", "PER")]),
        ("中国/ns  共产党/n  、/w  长征/nz", [("中国", "LOC")]),  # other proper nouns are not names here
        ("１２月/t  ３１日/t", []),
    ],
)
def test_rules(tagged, expected):
    assert names(tagged) == expected
    assert "".join(entities.label(tagged)[0]) == "".join(word.rpartition("/")[0] for word in tagged.split())


def test_this_copy_of_the_corpus_has_lost_the_brackets_around_longer_names():
    """The original encloses such a name, [A/ns  B/n]nt: were they here, the rules would have to read them."""
    lines = [line for rows in corpora.load("peoples-daily").values() for line in rows["tagged"]]
    assert not [line for line in lines if "[" in line or "]" in line]
    assert any("中央/n  人民/n  广播/vn  电台/n" in line for line in lines)


def test_tags_are_proper_bio(data):
    for rows in data.values():
        assert rows.features["ner_tags"].feature.names == entities.TAGS
        for numbers in rows["ner_tags"]:
            tags = ["O", *(entities.TAGS[number] for number in numbers)]
            for before, tag in itertools.pairwise(tags):
                assert tag[0] != "I" or before[1:] == tag[1:]


def test_rows_are_the_lines_of_the_corpus_and_no_line_is_in_two_splits(data):
    corpus = corpora.load("peoples-daily")
    lines = {}
    for split, rows in data.items():
        joined = [""] * len(corpus[split])
        for tokens, line in zip(rows["tokens"], rows["line"], strict=True):
            assert 0 < len(tokens) <= 126
            joined[line] += "".join(tokens)
        assert joined == corpus[split]["text"][:]
        lines[split] = set(joined)
    assert not lines["test"] & (lines["train"] | lines["validation"]) and not lines["train"] & lines["validation"]


def test_numbers_of_names(data):
    """Counted in the file: 35,267 words of persons, 27,890 of places, 3,573 of organisations, in 19,484 lines."""
    starts = {kind: entities.TAGS.index(f"B-{kind}") for kind in ("PER", "LOC", "ORG")}
    found = {
        split: {kind: sum(tags.count(start) for tags in rows["ner_tags"]) for kind, start in starts.items()}
        for split, rows in data.items()
    }
    assert found["train"] == {"PER": 16604, "LOC": 22345, "ORG": 2793}
    assert found["validation"] == {"PER": 1473, "LOC": 2280, "ORG": 374}
    assert found["test"] == {"PER": 1937, "LOC": 3244, "ORG": 376}


def test_rows_are_cut_at_sentences_then_at_commas_and_never_inside_a_name():
    text = list("甲乙。”丙丁，戊己庚")
    free = ["O"] * len(text)
    assert entities.cut(text, free, 100) == [(0, 10)]
    assert entities.cut(text, free, 6) == [(0, 4), (4, 10)]  # the quotation mark stays with its sentence
    assert entities.cut(text[4:], free[4:], 4) == [(0, 3), (3, 6)]
    assert entities.cut(list("甲乙丙丁"), ["O", "B-PER", "I-PER", "O"], 2) == [(0, 1), (1, 3), (3, 4)]
    assert entities.cut(list("甲乙丙"), ["B-PER", "I-PER", "I-PER"], 2) == [(0, 2), (2, 3)]  # no other way
