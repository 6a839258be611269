"""What axe-core finds on the pages: nothing, in the light theme and in the dark one."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from site_server import GENERATED, html_pages

# Contrast is looked up point by point, which takes a minute on a long listing; code is looked at on one page, below.
LISTINGS = "pre, math, .dataframe td"
ALL_BUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}, "resultTypes": ["violations"]}
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def tab(browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def findings(tab, options):
    """One line for each rule that is broken, with the first place."""
    found = Axe().run(tab, options=options).response["violations"]
    return [f"{rule['id']}: {len(rule['nodes'])} times, first {rule['nodes'][0]['html'][:200]}" for rule in found]


def switch(tab, theme):
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")


@pytest.mark.parametrize("path", [*html_pages(), *sorted(GENERATED)])
def test_axe_finds_nothing(tab, address, path):
    tab.goto(f"{address}/{path}", wait_until="load")
    assert findings(tab, ALL_BUT_CONTRAST) == []
    tab.evaluate(f"document.querySelectorAll('{LISTINGS}').forEach(one => one.replaceChildren('text'))")
    for theme in ("light", "dark"):
        switch(tab, theme)
        assert findings(tab, CONTRAST) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_code_and_tables_can_be_read(tab, address, theme):
    tab.goto(f"{address}/practice/prompt-tuning-pytorch.html", wait_until="load")
    tab.evaluate("document.querySelectorAll('article > section > section:nth-of-type(n + 4)').forEach(s => s.remove())")
    switch(tab, theme)
    assert findings(tab, CONTRAST) == []


def test_a_fault_would_be_found(tab, address):
    tab.goto(f"{address}/genindex.html", wait_until="load")
    tab.evaluate("document.querySelector('article').innerHTML += '<img src=x><p style=color:#ccc>pale</p>'")
    found = " ".join(findings(tab, ALL_BUT_CONTRAST) + findings(tab, CONTRAST))
    assert "image-alt" in found and "color-contrast" in found
