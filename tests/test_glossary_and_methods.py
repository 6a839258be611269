"""The glossary and the index of methods: they lead to places that exist, and words lead to the glossary, once."""

import re

import pytest
from docutils import nodes
from docutils.utils import new_document

from llm_finetuning.build import glossary, methods, places, project

COLUMNS = ("derived", "run", "compared")


@pytest.fixture(scope="module")
def words(root):
    return glossary.entries(root)


@pytest.fixture(scope="module")
def listed(root):
    return [method for group in methods.groups(root) for method in group["methods"]]


def test_the_words_are_sorted_and_each_stands_once(words):
    names = [entry["en"].lower() for entry in words]
    assert names == sorted(names)
    assert len(set(map(glossary.anchor, words))) == len(words) >= 40
    for chinese in (False, True):
        spellings = [form for entry in words for form in set(glossary.forms(entry, chinese))]
        assert len(spellings) == len(set(spellings))


def test_every_word_is_explained_in_both_languages(words):
    for entry in words:
        assert set(entry) - {"also", "zh_also", "not_on"} == {"en", "zh", "place", "says", "zh_says"}
        assert entry["says"].endswith(".") and entry["zh_says"].endswith("。"), entry["en"]
        assert 1 <= entry["says"].count(". ") + 1 <= 2, entry["en"]
        assert re.search("[\u4e00-\u9fff]", entry["zh_says"])
        # Between Chinese and Latin letters or figures stands a space.
        assert not re.search("[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", entry["zh_says"]), entry["en"]


def test_every_word_leads_to_a_heading_that_exists(root, words):
    for entry in words:
        assert f"({entry['place'].replace('#', '.ipynb#')})" in places.link(root, entry["place"]).replace("../", "")


def test_every_method_leads_to_headings_that_exist(root, listed):
    assert len({method["en"] for method in listed}) == len(listed)
    for method in listed:
        assert set(method) <= {"en", "zh", *COLUMNS} and "run" in method, method["en"]
        for place in (place for column in COLUMNS for place in method.get(column, [])):
            places.link(root, place)


@pytest.mark.parametrize("place", ["math/no-such-page#the-idea", "math/self-attention#no-such-heading"])
def test_a_place_that_does_not_exist_is_refused(root, place):
    with pytest.raises(SystemExit, match="no-such"):
        places.link(root, place)


def test_links_are_called_by_number_and_heading_in_both_languages(root):
    link = places.link(root, "math/self-attention#why-the-square-root")
    assert link == "[4.1.1 Why the square root](../math/self-attention.ipynb#why-the-square-root)"
    assert places.translated(link, {"Why the square root": "为什么是平方根"}).startswith("[4.1.1 为什么是平方根](")
    leaf = places.link(root, "concepts/pretraining-and-finetuning#222-fine-tuning-idea-and-methods")
    assert leaf.startswith("[2.2.2 Fine-tuning: idea and methods](")
    assert places.translated(leaf, {"2.2.2 Fine-tuning: idea and methods": "2.2.2 微"}).startswith("[2.2.2 微](")


def test_every_sentence_and_cell_of_both_pages_has_a_translation(root):
    for page, found in (
        (glossary.markdown(root), glossary.messages(root, {})),
        (methods.markdown(root, []), methods.messages(root, methods.markdown(root, []), {})),
    ):
        lines = [line.removeprefix("## ") for line in page.splitlines()[4:] if line and not line.startswith("|:")]
        cells = [cell.strip() for line in lines for cell in (line.strip("|").split("|") if line[0] == "|" else [line])]
        headers = {"method", *COLUMNS, "results", ""}
        assert [cell for cell in cells if cell not in found and cell not in headers] == []


def test_headline_numbers_are_found_from_the_methods(root):
    page = methods.markdown(root, [{"page": "applications/sentiment"}])
    shown = [line for line in page.splitlines() if "](results.md#61-sentiment-analysis)" in line]
    assert shown and all("../applications/sentiment.ipynb" in line for line in shown)
    assert "results.md" not in methods.markdown(root, [])


ENTRIES = [
    {"en": "mask", "zh": "掩码", "place": "a/mask#x", "says": "It hides.", "zh_says": "遮住。"},
    {"en": "causal mask", "zh": "因果掩码", "place": "a/b#x", "says": "It hides more.", "zh_says": "多遮。"},
    {"en": "Adam", "zh": "Adam", "also": ["AdamW"], "place": "a/b#x", "says": "An optimiser.", "zh_says": "优化器。"},
]


def page_of(*paragraphs):
    document = new_document("page")
    for content in paragraphs:
        paragraph = nodes.paragraph()
        paragraph += [nodes.Text(content)] if isinstance(content, str) else content
        document += paragraph
    return document


def linked(document, page="x/y", language="en"):
    """Link the page's words and return [text of the link, where it leads]."""
    before = document.astext()
    glossary.link_first_uses(document, page, ENTRIES, language, "../g.html")
    assert document.astext() == before
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference) if "reftitle" in link]


def test_the_first_use_is_linked_and_only_it():
    document = page_of("Unmasked adamant: a Causal masks, a mask.", "The mask, a causal mask, AdamW and Adam.")
    assert linked(document) == [
        ("Causal masks", "../g.html#causal-mask"),
        ("mask", "../g.html#mask"),
        ("AdamW", "../g.html#adam"),
    ]


def test_a_word_is_not_linked_on_the_page_that_explains_it():
    assert linked(page_of("A mask, a causal mask."), page="a/mask") == [("causal mask", "../g.html#causal-mask")]


def test_a_word_is_not_linked_where_it_means_something_else():
    entries = [ENTRIES[0] | {"not_on": ["x/y"]}]
    for page, links in (("x/y", 0), ("x/z", 1)):
        document = page_of("A mask.")
        glossary.link_first_uses(document, page, entries, "en", "g.html")
        assert len(list(document.findall(nodes.reference))) == links


def test_code_links_formulas_tables_headings_and_outputs_are_left_alone():
    document = page_of(
        [nodes.literal(text="mask"), nodes.reference("", "mask", refuri="z"), nodes.math(text="mask")],
        "mask-like and unmask",
    )
    document.insert(0, nodes.title(text="A mask"))
    for container in (nodes.entry(), nodes.container(classes=["cell"])):
        container += nodes.paragraph(text="mask")
        document += container
    assert linked(document) == []


def test_words_inside_of_emphasis_are_linked():
    assert linked(page_of([nodes.Text("a "), nodes.emphasis(text="mask")])) == [("mask", "../g.html#mask")]


def test_translated_paragraphs_are_linked_by_chinese_words_and_the_others_by_english_ones():
    document = page_of("因果掩码不是掩码。", "A mask and AdamW.")
    document.children[1]["classes"].append("language-en")
    assert [text for text, _ in linked(document, language="zh_CN")] == ["因果掩码", "掩码", "AdamW"]
    assert next(document.findall(nodes.reference))["reftitle"] == "多遮。"


def test_every_page_uses_words_of_the_glossary(words):
    by_form = {form: entry for entry in words for form in glossary.forms(entry, False)}
    pages = [path.read_text("utf-8") for path in (project.root() / "book").glob("*/*.ipynb")]
    used: set[str] = set()
    for text in pages:
        assert glossary.first_uses(text, by_form, set())
        glossary.first_uses(text, by_form, used)
    assert {entry["en"] for entry in words} - used == set()
