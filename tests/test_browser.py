"""The site in a real browser: no errors, no other origin, formulas, search, themes, phones."""

from contextlib import contextmanager

import pytest
from site_server import html_pages


@contextmanager
def opened(browser):
    """A fresh tab that remembers what it asked for and what went wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    page = context.new_page()
    page.requested, page.failures = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    page.on("console", lambda message: page.failures.append(message.text) if message.type == "error" else None)
    page.on(
        "response",
        lambda answer: page.failures.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    yield page
    context.close()


@pytest.fixture
def tab(browser):
    with opened(browser) as page:
        yield page


@pytest.fixture(scope="module", params=html_pages())
def visited(browser, address, request):
    """Each page of the site, opened once for the tests that look at all of them."""
    with opened(browser) as page:
        page.goto(f"{address}/{request.param}", wait_until="networkidle")
        yield page


def test_a_page_asks_only_its_own_site_and_has_no_errors(visited, address):
    others = [url for url in visited.requested if not url.startswith((address, "data:", "blob:"))]
    assert others == []
    assert visited.failures == []
    assert visited.locator("article h1").first.is_visible()


def test_no_formula_is_left_as_source(visited):
    text = visited.evaluate("document.querySelector('article').innerText.replace(/`[^`]*`/g, '')")
    code = visited.evaluate("Array.from(document.querySelectorAll('article pre, article code'), e => e.innerText)")
    for piece in code:
        text = text.replace(piece, "")
    assert "\\frac" not in text and "$$" not in text and "\\mathrm" not in text


def test_a_phone_shows_the_page_without_scrolling_sideways(visited):
    visited.set_viewport_size({"width": 390, "height": 844})
    assert visited.evaluate("document.documentElement.scrollWidth") <= 390


def test_formulas_and_code_show_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/math/self-attention.html")
    box = page.locator("article .math-block math").first.bounding_box()
    assert box["width"] > 100 and box["height"] > 15
    assert page.locator("article pre").first.is_visible()
    context.close()


def loaded_fonts(page):
    return page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status == 'loaded').map(f => f.family))"
    )


@pytest.mark.parametrize("edition", ["", "zh/"])
def test_formulas_come_in_their_font(tab, address, edition):
    tab.goto(f"{address}/{edition}math/self-attention.html", wait_until="networkidle")
    assert any("Formulas" in family for family in loaded_fonts(tab))


def test_roots_are_drawn(tab, address):
    """The browser draws their sign and makes room for it, if the font has it."""
    tab.goto(f"{address}/math/self-attention.html", wait_until="networkidle")
    width = "root => root.getBoundingClientRect().width - root.firstElementChild.getBoundingClientRect().width"
    widths = tab.locator("article msqrt").evaluate_all(f"roots => roots.map({width})")
    assert widths and min(widths) > 5


def test_icons_are_drawn(tab, address):
    tab.goto(f"{address}/practice/transformers-trainer.html", wait_until="networkidle")
    icons = tab.locator(".bd-header-article i:visible")
    assert icons.count() >= 4
    assert min(icon.bounding_box()["width"] for icon in icons.all()) >= 10  # a missing sign is narrower
    assert any("Awesome" in family for family in loaded_fonts(tab))


def test_a_failing_page_would_be_noticed(tab, address):
    tab.goto(f"{address}/index.html")
    tab.evaluate("setTimeout(() => { throw new Error('planted') }, 0)")
    tab.evaluate("fetch('/nowhere').catch(() => 0)")
    tab.wait_for_timeout(300)
    assert any("planted" in failure for failure in tab.failures)
    assert any("404" in failure for failure in tab.failures)


def test_search_finds_a_word_of_a_page(tab, address):
    tab.goto(f"{address}/search.html?q=padding", wait_until="networkidle")
    tab.wait_for_selector("ul.search li a")
    links = tab.eval_on_selector_all("ul.search li a", "found => found.map(a => a.getAttribute('href'))")
    assert any("transformers-trainer" in link for link in links)


def test_the_theme_can_be_switched(tab, address):
    tab.goto(f"{address}/index.html", wait_until="networkidle")
    seen = set()
    for _ in range(3):
        seen.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        tab.locator("button.theme-switch-button").first.click()
    assert len(seen) == 2


def test_the_menu_opens_on_a_phone(tab, address):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{address}/index.html", wait_until="networkidle")
    entries = "nav.bd-links a.reference.internal:visible, .bd-sidebar-primary a.reference.internal:visible"
    assert not any(box_in_view(entry) for entry in tab.locator(entries).all())
    tab.locator("button.primary-toggle:visible").first.click()
    tab.wait_for_timeout(500)
    assert any(box_in_view(entry) for entry in tab.locator(entries).all())


def box_in_view(entry):
    box = entry.bounding_box()
    return box is not None and 0 <= box["x"] < 390


@pytest.mark.parametrize("path", ["nowhere.html", "deep/er/nowhere.html"])
def test_an_unknown_address_shows_a_page_that_leads_back(tab, address, path):
    assert tab.goto(f"{address}/{path}", wait_until="networkidle").status == 404
    assert [failure for failure in tab.failures if path not in failure and "status of 404" not in failure] == []
    assert tab.locator("article h1").inner_text() == "Page not found"
    assert tab.locator("article li a").count() >= 8  # the front page and the chapters
    tab.locator("article input").fill("padding")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("ul.search li a")
    assert tab.url.endswith("/search.html?q=padding")
    tab.go_back(wait_until="networkidle")
    tab.locator("article li a", has_text="5 Practice").click()
    tab.wait_for_selector("article svg.chapter-map")


@pytest.mark.parametrize("path", ["applications/sentiment.html", "zh/practice/transformers-trainer.html"])
def test_code_that_is_not_laid_out_yet_has_its_size_and_its_stop_for_the_keyboard(tab, address, path):
    tab.goto(f"{address}/{path}")
    code = tab.locator("article .highlight pre > code")
    shown = code.evaluate_all("blocks => blocks.map(block => getComputedStyle(block).contentVisibility)")
    assert set(shown) == {"auto"} and len(shown) > 30
    boxes = tab.locator("article .highlight pre")
    look = "boxes => boxes.map(box => [box.offsetHeight, box.scrollWidth > box.clientWidth])"
    early, stops = boxes.evaluate_all(look), boxes.evaluate_all("boxes => boxes.map(box => box.tabIndex === 0)")
    code.evaluate_all("blocks => blocks.forEach(block => { block.style.contentVisibility = 'visible' })")
    assert early == boxes.evaluate_all(look)
    assert stops == [wide for _, wide in early]


def test_a_link_to_a_section_arrives_there(tab, address):
    tab.goto(f"{address}/practice/transformers-trainer.html", wait_until="networkidle")
    tab.emulate_media(reduced_motion="reduce")
    section = tab.eval_on_selector_all("article section section[id]", "found => found.at(-1).id")
    tab.locator(f'.bd-sidebar-secondary a[href="#{section}"]').first.click()
    tab.wait_for_timeout(1500)
    top = tab.evaluate("id => document.getElementById(id).getBoundingClientRect().top", section)
    assert -10 < top < 600  # the last sections of a page cannot come up to the top
