"""The site for those who do not use a mouse, do not want movement, or print: held in a real browser."""

import re

import pytest

PAGE = "practice/transformers-trainer.html"
ACTIVE = "document.activeElement"


@pytest.fixture
def tab(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    page = context.new_page()
    page.goto(f"{address}/{PAGE}", wait_until="load")
    yield page
    context.close()


def channels(colour):
    return [float(number) for number in re.findall(r"[\d.]+", colour)][:3]


def contrast(one, other):
    """The contrast of two colours as the WCAG define it."""

    def luminance(colour):
        parts = [channel / 255 for channel in channels(colour)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def scrolled_by_focus(tab):
    """How far the page moves while the keyboard walks through the buttons of the header."""
    tab.evaluate("window.scrollTo({ top: 3000, behavior: 'instant' })")
    before = tab.evaluate("window.scrollY")
    tab.locator("a.language-switch, .bd-header-article button:visible").first.focus()
    for _ in range(3):
        tab.keyboard.press("Tab")
    tab.wait_for_timeout(300)
    return abs(tab.evaluate("window.scrollY") - before)


def test_the_keyboard_in_the_header_does_not_scroll_the_page(tab):
    assert scrolled_by_focus(tab) < 5
    tab.add_style_tag(content="html { scroll-padding-top: 4rem }")  # as the theme has it
    assert scrolled_by_focus(tab) > 100


def test_a_link_to_a_section_keeps_the_header_s_height_free(tab):
    tab.goto(f"{tab.url}#reading-the-errors")
    tab.wait_for_timeout(300)
    header = tab.evaluate("document.querySelector('.bd-header-article').getBoundingClientRect().bottom")
    heading = tab.evaluate("document.querySelector('#reading-the-errors :is(h2, h3)').getBoundingClientRect().top")
    assert header <= heading < header + 120


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_has_the_focus_is_marked(tab, theme):
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    seen, unmarked = set(), []
    for _ in range(80):
        tab.keyboard.press("Tab")
        kind, style, width, colour = tab.evaluate(
            f"[{ACTIVE}.tagName + '.' + {ACTIVE}.className, ...['outlineStyle', 'outlineWidth', 'outlineColor']"
            f".map(name => getComputedStyle({ACTIVE})[name])]"
        )
        seen.add(kind.partition(".")[0])
        if style != "solid" or float(width.removesuffix("px")) < 2 or contrast(colour, ground) < 3:
            unmarked.append((kind, style, width, colour))
    assert {"A", "BUTTON", "PRE"} <= seen
    assert unmarked == []


def test_a_pale_mark_would_be_noticed():
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(200, 200, 200)", "rgb(255, 255, 255)") < 3


MOVING = """() => [...document.querySelectorAll('body, body *')].filter(one => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(one);
  return /[1-9]/.test(transitionDuration) || animationName !== 'none' || scrollBehavior === 'smooth';
}).length"""


def test_nothing_moves_for_those_who_asked_for_that(tab):
    assert tab.evaluate(MOVING) == 0
    tab.emulate_media(reduced_motion="no-preference")
    assert tab.evaluate(MOVING) > 0


VISIBLE = "found => found.filter(one => one.checkVisibility({ contentVisibilityAuto: true })).map(one => one.className)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_printed_page_is_its_text_dark_on_white(tab, theme):
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    around = "nav, button, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, footer, .headerlink, form"
    solutions = "article details > :not(summary)"
    assert tab.eval_on_selector_all(around, VISIBLE) != []
    tab.emulate_media(media="print")
    assert tab.eval_on_selector_all(around, VISIBLE) == []
    assert len(tab.eval_on_selector_all(solutions, VISIBLE)) == tab.locator(solutions).count() > 3
    for part in ("article h1", "article p", "article pre span", "article td"):
        colour = tab.evaluate("one => getComputedStyle(document.querySelector(one)).color", part)
        assert contrast(colour, "rgb(255, 255, 255)") > 7, part
    after = tab.evaluate("getComputedStyle(document.querySelector('article a'), '::after').content")
    assert after in ("none", "normal")  # no address behind a link


def test_figures_are_not_cut_and_listings_not_clipped_on_paper(tab):
    tab.emulate_media(media="print")
    values = "(one, name) => getComputedStyle(one)[name]"
    assert {one.evaluate(values, "breakInside") for one in tab.locator("article img").all()} == {"avoid"}
    assert {one.evaluate(values, "whiteSpace") for one in tab.locator("article pre").all()} == {"pre-wrap"}
    assert {one.evaluate(values, "overflowX") for one in tab.locator("article pre").all()} == {"visible"}
