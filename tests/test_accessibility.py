"""What axe-core finds on the pages: nothing, in the light theme and in the dark one."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from site_server import GENERATED, html_pages

# Listings, formulas and tables of numbers hold nine tenths of a page's elements, all of one kind: axe takes a minute
# for them. Their content is looked at on one page, below; elsewhere a letter stands for it, too short to scroll.
BULK = "pre, math, .dataframe td"
EVERYTHING = {"resultTypes": ["violations"]}
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def tab(browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    yield context.new_page()
    context.close()


def findings(tab, options):
    """One line for each rule that is broken, with the first place."""
    found = Axe().run(tab, options=options).response["violations"]
    return [f"{rule['id']}: {len(rule['nodes'])} times, first {rule['nodes'][0]['html'][:200]}" for rule in found]


def switch(tab, theme):
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")


def in_both_themes(tab):
    """What is found in the light theme, and of the contrast in the dark one."""
    light = findings(tab, EVERYTHING)
    switch(tab, "dark")
    return light, findings(tab, CONTRAST)


@pytest.mark.parametrize("path", [*html_pages(), *sorted(GENERATED)])
def test_axe_finds_nothing(tab, address, path):
    tab.goto(f"{address}/{path}", wait_until="load")
    tab.evaluate(f"document.querySelectorAll('{BULK}').forEach(one => one.replaceChildren('x'))")
    assert in_both_themes(tab) == ([], [])


def test_code_formulas_and_tables_can_be_read(tab, address):
    tab.goto(f"{address}/practice/prompt-tuning-pytorch.html", wait_until="load")
    tab.evaluate("document.querySelectorAll('article > section > section:nth-of-type(n + 4)').forEach(s => s.remove())")
    assert in_both_themes(tab) == ([], [])


def test_a_fault_would_be_found(tab, address):
    tab.goto(f"{address}/genindex.html", wait_until="load")
    tab.evaluate("document.querySelector('article').innerHTML += '<img src=x><p style=color:#ccc>pale</p>'")
    found = " ".join(findings(tab, EVERYTHING))
    assert "image-alt" in found and "color-contrast" in found
