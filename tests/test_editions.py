"""Both languages of the built site: the switch between them, titles, anchors, and search in Chinese."""

import html
import posixpath
import re

import pytest
from site_server import HTML, html_pages
from test_site import Page, dead_links, elsewhere, undescribed

from llm_finetuning.build import project, translation


@pytest.fixture(autouse=True, scope="module")
def chinese():
    assert (HTML / "zh" / "index.html").is_file(), 'No Chinese edition: make book LANGS="en zh_CN" (`make test` does).'


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def heading(text):
    return html.unescape(re.search(r"<h1[^>]*>([^<]+)", text[text.index("<article") :])[1])


def test_every_page_is_there_in_both_languages_and_leads_to_the_other():
    assert [f"zh/{path}" for path in html_pages()] == html_pages("zh")
    for path in html_pages() + html_pages("zh"):
        text, other = (HTML / path).read_text("utf-8"), path[3:] if path[:3] == "zh/" else f"zh/{path}"
        here, there = ("zh-CN", "en") if path[:3] == "zh/" else ("en", "zh-CN")
        assert f'<html lang="{here}"' in text
        (link,) = re.findall(r'<a class="[^"]*language-switch" href="([^"]+)"[^>]* hreflang="([^"]+)"', text)
        assert (posixpath.normpath(posixpath.join(posixpath.dirname(path), link[0])), link[1]) == (other, there)


def test_chinese_titles_are_the_outline_s(root):
    given = translation.given(root, "zh_CN")
    for path in html_pages():
        english, chinese = (heading((HTML / folder / path).read_text("utf-8")) for folder in ("", "zh"))
        assert chinese == given[english]
    front = (HTML / "zh" / "index.html").read_text("utf-8")
    assert "<title>大语言模型原理与工程实践：大语言模型微调的挑战和探索" in front
    captions = re.findall(r'caption-text">([^<]+)', front)
    assert "5 项目实践：代码实例和详细解释说明" in captions
    assert set(captions) <= set(given.values())


def test_the_headings_of_leaves_are_the_outline_s(root):
    titles = translation.titles(root)
    for page in project.pages():
        texts = [(HTML / folder / f"{page}.html").read_text("utf-8") for folder in ("", "zh")]
        english, chinese = (re.findall(r"<h2[^>]*>(.*?)<a ", text) for text in texts)
        for before, after in zip(english, chinese, strict=True):
            assert html.unescape(before) not in titles or html.unescape(after) == titles[html.unescape(before)]


def test_both_languages_have_the_same_anchors():
    for path in html_pages():
        found = [
            re.findall(r'<section id="([^"]+)"', (HTML / folder / path).read_text("utf-8")) for folder in ("", "zh")
        ]
        assert found[0] == found[1]


def test_pages_are_chinese_and_what_their_code_shows_says_that_it_is_english():
    page = (HTML / "zh" / "practice" / "transformers-trainer.html").read_text("utf-8")
    article = page[page.index("<article") : page.index("</article>")]
    assert "The article that this book follows" not in article and "本书所依据的文章" in article
    for path in html_pages("zh"):
        text = (HTML / path).read_text("utf-8")
        assert "本页尚未译成中文" not in text and "It leans on" not in text, path
        assert '<p lang="en">✓' in text or "✓" not in text, path


def test_the_glossary_and_the_index_of_methods_are_chinese():
    for page, said in (("glossary", "规定每个位置可以看哪些位置"), ("methods", "按代价设定决策阈值")):
        text = (HTML / "zh" / "about" / f"{page}.html").read_text("utf-8")
        assert said in text
        assert not re.search(r'<p class="[^"]*language-en|<p lang="en">', text[text.index("<article") :])


def test_chinese_and_english_words_lead_to_the_chinese_glossary():
    for page, anchor, word in (
        ("practice/transformers-trainer", "learning-rate", "学习率"),
        ("math/n-gram", "perplexity", "困惑度"),
        ("math/self-attention", "softmax", "softmax"),
    ):
        text = (HTML / "zh" / f"{page}.html").read_text("utf-8")
        found = re.findall(rf'<a class="glossary-link[^>]*about/glossary.html#{anchor}"[^>]*>([^<]+)', text)
        assert [one.lower() for one in found] == [word]


@pytest.mark.parametrize("path", html_pages("zh"))
def test_a_chinese_page_has_no_dead_ends_and_loads_nothing_from_elsewhere(path):
    page = Page((HTML / path).read_text("utf-8"))
    assert (elsewhere(page), undescribed(page), dead_links(path, page)) == ([], [], [])


@pytest.mark.parametrize("path", html_pages("zh"))
def test_a_chinese_page_has_no_errors_and_fits(tab, address, path):
    asked, failures = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: failures.append(str(error)))
    tab.on("response", lambda answer: failures.append(answer.url) if answer.status >= 400 else None)
    tab.goto(f"{address}/{path}", wait_until="networkidle")
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.locator("a.language-switch").is_visible()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert failures == []


def test_a_phone_does_not_break_a_method_s_name_after_each_character(tab, address):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{address}/zh/about/methods.html")
    widths = tab.eval_on_selector_all("tbody td:first-child", "cells => cells.map(cell => cell.clientWidth)")
    assert len(widths) > 50 and min(widths) > 80


@pytest.mark.parametrize(("word", "page"), [("口蹄疫", "transformers-trainer"), ("重复嵌入", "prompt-tuning-pytorch")])
def test_search_finds_a_chinese_word_that_one_page_has(tab, address, word, page):
    tab.goto(f"{address}/zh/search.html?q={word}", wait_until="networkidle")
    tab.wait_for_selector("ul.search li a", timeout=10_000)
    links = tab.eval_on_selector_all("ul.search li a", "found => found.map(a => a.getAttribute('href'))")
    assert len(links) == 1 and page in links[0]


def test_search_does_not_find_a_chinese_word_that_no_page_has(tab, address):
    tab.goto(f"{address}/zh/search.html?q=乾坤大挪移", wait_until="networkidle")
    tab.wait_for_selector("p.search-summary", timeout=10_000)
    assert tab.locator("ul.search li a").count() == 0


def comes_into_view(tab, anchor):
    """Wait until the section stands near the top: pages scroll smoothly."""
    tab.wait_for_function(
        "id => { const { top } = document.getElementById(id).getBoundingClientRect(); "
        "return top > -5 && top < window.innerHeight / 3 }",
        arg=anchor,
        timeout=20_000,
    )


def test_the_switch_keeps_the_place(tab, address):
    english, anchor = "practice/transformers-trainer.html", "reading-the-errors"
    tab.goto(f"{address}/{english}", wait_until="networkidle")
    tab.evaluate("id => document.getElementById(id).scrollIntoView({ behavior: 'instant' })", anchor)
    for path, language in ((f"zh/{english}", "zh-CN"), (english, "en")):
        switch = tab.locator("a.language-switch")
        assert switch.get_attribute("lang") == switch.get_attribute("hreflang") == language
        switch.focus()
        tab.keyboard.press("Enter")
        tab.wait_for_url(f"{address}/{path}#{anchor}")
        tab.wait_for_load_state("networkidle")
        assert tab.locator("html").get_attribute("lang") == language
        comes_into_view(tab, anchor)


def test_the_switch_keeps_what_is_searched_for(tab, address):
    tab.goto(f"{address}/search.html?q=padding", wait_until="networkidle")
    tab.locator("a.language-switch").press("Enter")
    tab.wait_for_url(f"{address}/zh/search.html?q=padding")


def test_the_switch_is_a_plain_link_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.locator("a.language-switch").click()
    page.wait_for_url(f"{address}/zh/index.html")
    context.close()


def test_a_solution_opens_in_chinese(tab, address):
    tab.goto(f"{address}/zh/practice/prompt-tuning-pytorch.html", wait_until="networkidle")
    solution = tab.locator("article details", has_text="一个向量").first
    assert solution.locator("summary").inner_text() == "解答"
    solution.locator("summary").click()
    assert "一个向量" in solution.inner_text()
    solution.locator("code", has_text="fit_with").first.wait_for()  # code is laid out when it comes into view
