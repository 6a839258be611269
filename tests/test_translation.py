"""The Chinese edition: catalogues follow the pages, translations keep their markup, titles are the outline's."""

import re
from collections import Counter

import pytest
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from sphinx.search.zh import SearchChinese

from llm_finetuning.build import editions, project, translation

LANGUAGE = "zh_CN"
MARKDOWN = MarkdownIt("commonmark").use(dollarmath_plugin)
UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "万亿": 1e12, "万": 1e4, "亿": 1e8, "": 1}
NUMBER = re.compile(rf"(\d+(?:[.,]\d+)*)[\s-]*({'|'.join(UNITS)})")


def catalogue(root, page):
    return translation.read(translation.catalogue(root, LANGUAGE, page), LANGUAGE)


def messages(catalogue):
    return [message.id for message in catalogue if message.id]


def markup(text):
    """What a translation may not change: links, code, formulas and the words that are set off, by kind and content."""
    (inline,) = (token for token in MARKDOWN.parse(text) if token.type == "inline")
    found = Counter()
    for token in inline.children:
        if token.type in ("code_inline", "math_inline"):
            found[token.type, token.content] += 1
        elif token.type in ("link_open", "image"):
            found[token.type, token.attrGet("href") or token.attrGet("src")] += 1
        elif token.type in ("strong_open", "em_open", "html_inline"):
            found[token.type, ""] += 1
    return found


def numbers(text):
    """The figures in a text, outside of code, formulas and addresses; words for numbers are not compared."""
    found = NUMBER.findall(translation.strip(text))
    plain = [(figure.replace(",", ""), unit) for figure, unit in found]
    return {f"{float(figure) * UNITS[unit]:.12g}" if figure.count(".") < 2 else figure for figure, unit in plain}


def disagreements(pairs, titles):
    """Translations that lose or add markup or figures, or that call a page otherwise than the outline does."""
    found = []
    for english, chinese in pairs:
        if markup(english) != markup(chinese):
            found.append((english, chinese, (markup(english) - markup(chinese)) + (markup(chinese) - markup(english))))
        if lost := numbers(english) - numbers(chinese):
            found.append((english, chinese, lost))
        for title, translated in titles.items():
            if f"[{title}](" in english and f"[{translated}](" not in chinese:
                found.append((english, chinese, translated))
    return found


@pytest.fixture(scope="module")
def extracted(root):
    return translation.extract(root)


@pytest.mark.parametrize("page", ["index", *project.pages()])
def test_the_catalogue_is_that_of_the_page(root, extracted, page):
    found = messages(catalogue(root, page))
    assert set(found) ^ set(extracted[page]) == set(), "run `make translate`"
    assert found == extracted[page]


@pytest.mark.parametrize("page", ["index", *project.pages()])
def test_a_catalogue_holds_nothing_that_changes_by_itself(root, page):
    text = translation.catalogue(root, LANGUAGE, page).read_text("utf-8")
    assert text == translation.written(catalogue(root, page), LANGUAGE)
    assert not re.search(r"^(#:|#~|\"(POT-Creation|PO-Revision))", text, re.MULTILINE)


@pytest.mark.parametrize("page", ["index", *project.pages()])
def test_the_page_is_translated(root, page):
    assert translation.left(root, LANGUAGE, {page: messages(catalogue(root, page))}) == {page: 0}
    assert [message.id for message in catalogue(root, page) if message.fuzzy] == []


@pytest.mark.parametrize("page", ["index", *project.pages()])
def test_translations_keep_links_code_formulas_and_figures(root, page):
    done = translation.translations(catalogue(root, page))
    assert disagreements(done.items(), translation.titles(root)) == []


def test_what_a_translation_loses_is_found():
    titles = {"5.1 One": "5.1 一"}
    right = ("**A** `b` has $c$ of [5.1 One](d.ipynb).", "**甲** `b` 有 [5.1 一](d.ipynb) 的 $c$。")
    assert disagreements([right], titles) == []
    for wrong in (
        right[1].replace("`b`", "b"),
        right[1].replace("$c$", "$d$"),
        right[1].replace("d.ipynb", "e.ipynb"),
        right[1].replace("5.1 一", "5.1 二"),
        right[1].replace("**甲** ", "**甲。**").replace("`b` ", "乙"),  # Markdown does not close such a bold
    ):
        assert disagreements([(right[0], wrong)], titles)
    assert disagreements([("110 million, 11 billion", "1.1 亿，110 亿")], titles) == []
    assert disagreements([("93.6 % of 10,662", "10,662 的 93.5 %")], titles)


def test_no_catalogue_holds_a_title_of_the_outline(root):
    for page in ["index", *project.pages()]:
        assert set(messages(catalogue(root, page))) & set(translation.titles(root)) == set()


def test_titles_are_the_outline_s_word_for_word(root):
    outline = yaml.safe_load((root / "book" / "outline.yml").read_text("utf-8"))
    titles = translation.titles(root)
    assert titles[outline["title"]["en"]] == outline["title"]["zh"]
    assert titles["5.2 Prompt-tuning in PyTorch"] == "5.2 使用PyTorch实现Prompt-tuning"
    assert len(titles) == 1 + len(outline["chapters"]) + len(outline["sections"]) + len(outline["leaves"])


def test_every_caption_has_a_translation(root):
    captions = [part["caption"] for part in yaml.safe_load((root / "_toc.yml").read_text("utf-8"))["parts"]]
    assert [caption for caption in captions if caption not in translation.given(root, LANGUAGE)] == []


def test_a_changed_paragraph_is_shown_in_english_until_somebody_looks_at_it(tmp_path):
    before, after = "Three epochs are little for a prompt.", "Three epochs are very little for a prompt."
    translation.update(tmp_path, LANGUAGE, {"p": [before, "Gone."]})
    path = translation.catalogue(tmp_path, LANGUAGE, "p")
    path.write_text(
        path.read_text("utf-8").replace('msgstr ""\n\nmsgid "Gone', 'msgstr "三轮太少。"\n\nmsgid "Gone'), "utf-8"
    )
    assert translation.translations(catalogue(tmp_path, "p")) == {before: "三轮太少。"}
    assert translation.update(tmp_path, LANGUAGE, {"p": [before, "Gone."]}) == []
    assert translation.update(tmp_path, LANGUAGE, {"p": [after]}) == ["p"]
    assert messages(catalogue(tmp_path, "p")) == [after]
    assert translation.translations(catalogue(tmp_path, "p")) == {}
    assert "#, fuzzy" in path.read_text("utf-8") and "三轮太少。" in path.read_text("utf-8")
    assert translation.update(tmp_path, LANGUAGE, {}) == ["p"]
    assert not path.exists()


def test_a_page_that_is_not_translated_says_so():
    messages = {"It ran.": "跑过了。", translation.NOT_YET: "未译。"}
    assert translation.first_line("It ran.", messages, translated=True) == "跑过了。"
    assert translation.first_line("It ran.", messages, translated=False) == "跑过了。 未译。"


def test_a_sentence_that_pages_share_is_translated_alike(root):
    found = {}
    for page in ["index", *project.pages()]:
        for english, chinese in translation.translations(catalogue(root, page)).items():
            found.setdefault(english, {}).setdefault(chinese, []).append(page)
    assert {english: several for english, several in found.items() if len(several) > 1} == {}


def test_editions_are_those_of_LANGS(root, monkeypatch):
    monkeypatch.delenv("LANGS", raising=False)
    assert translation.wanted() == ["en"]
    assert "book_editions" not in translation.configure(root, "en")[0]["sphinx"]["config"]
    monkeypatch.setenv("LANGS", "zh_CN en")
    assert translation.wanted() == ["en", "zh_CN"]
    assert translation.configure(root, "en")[0]["sphinx"]["config"]["book_editions"] == translation.EDITIONS
    monkeypatch.setenv("LANGS", "en de")
    with pytest.raises(SystemExit, match="no de"):
        translation.wanted()


def test_the_switch_leads_to_the_same_page(root):
    for page, there, back in (
        ("index", "zh/index.html", "../index.html"),
        ("practice/a", "../zh/practice/a.html", "../../practice/a.html"),
    ):
        for language, address, tag in (("en", there, "zh-CN"), ("zh_CN", back, "en")):
            (link,) = editions.other_editions(translation.EDITIONS, language, page)
            assert (link["address"], link["language"]) == (address, tag)


def test_chinese_is_indexed_by_pairs():
    search = editions.ChineseSearch({})
    assert search.split("用LoRA做提示调优。") == ["做提", "提示", "示调", "调优", "LoRA"]
    sphinx, text = SearchChinese({}), "models IES use ANDs used GPT"
    words = [*sphinx.split(text), "调优"]
    assert search.split(text) == words[:-1]
    assert [search.stem(word) for word in words] == [sphinx.stem(word) for word in words]
    assert search.stem("models") == "model" and search.stem("IES") == "ies"
