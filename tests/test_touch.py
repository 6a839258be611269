"""Figures to operate: true to the real schedulers and samplers, open to the keyboard, still without scripts."""

import base64
import json
import re

import nbformat
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from transformers import (
    AutoTokenizer,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    get_scheduler,
)

from llm_finetuning import corpora, models, touch
from llm_finetuning.build import project

ELEMENT = re.compile(r'<div data-touch="(\w+)">.*<script type="application/json">(.*?)</script></div>', re.DOTALL)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
THEMES = {"light": "color: #222; background: #fff", "dark": "color: #ddd; background: #14181e"}


def outputs():
    """Every element that a page stores, with the outputs of its cell: (page, kind, html, outputs)."""
    for page in project.pages():
        notebook = nbformat.read(project.root() / "book" / f"{page}.ipynb", as_version=4)
        for cell in notebook.cells:
            for item in cell.get("outputs", []):
                html = item.get("data", {}).get("text/html", "")
                if found := ELEMENT.match(html):
                    yield page, found[1], html, cell.outputs


STORED = {kind: (page, html, items) for page, kind, html, items in outputs()}


def data_of(kind):
    return json.loads(ELEMENT.match(STORED[kind][1])[2])


@pytest.fixture(scope="module")
def tab(browser):
    context = browser.new_context(viewport={"width": 900, "height": 900})
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    page = context.new_page()
    page.requested, page.failures = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    yield page
    context.close()


def show(page, kind, theme="light", language="en"):
    """A page that holds a stored element, below its picture, as an output of a cell, and a button to go on to."""
    page.set_content(
        f'<!doctype html><html lang="{language}"><title>x</title><body style="{THEMES[theme]}"><main><h1>x</h1>'
        f'<div class="cell_output"><img alt="still" src="{PIXEL}"><div>{STORED[kind][1]}</div></div>'
        "<button>On</button></main>"
    )


def result(page):
    return page.locator("output").inner_text()


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def test_every_kind_is_on_a_page():
    assert sorted(STORED) == touch.kinds()


@pytest.mark.parametrize("kind", touch.kinds())
def test_a_script_is_small_and_plain(kind):
    script = touch.script(kind)
    assert len(script.encode()) <= 40_000
    assert "</script" not in script
    assert set(re.findall(r"https?://[^\s\"]+", script)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("kind", touch.kinds())
def test_what_is_stored_has_todays_script_and_a_described_picture(kind):
    page, html, items = STORED[kind]
    assert html == touch.element(kind, data_of(kind)), f"{page} stores an older script: run `make refresh`."
    assert items[0].metadata["image/png"]["alt"] and "image/png" in items[0].data


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="schedule"):
        touch.show("slide-rule", {}, None, "x")


def test_data_cannot_end_the_script():
    html = touch.element("tokens", {"text": "</script><b>"})
    assert "</script><b>" not in html
    assert json.loads(ELEMENT.match(html)[2]) == {"text": "</script><b>"}


def test_packed_numbers_are_whole_and_must_fit():
    assert list(base64.b64decode(touch.packed([0, 0.5, 1], 255, "u1"))) == [0, 128, 255]
    assert list(base64.b64decode(touch.packed([1.5], 1000, "u2"))) == [1500 % 256, 1500 // 256]
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="fit"):
            touch.packed([wrong], 255, "u1")


def test_a_page_is_made_from_the_scripts_that_it_shows(root):
    names = [path.rpartition("/")[2] for path in touch.paths(root / "book" / "algorithms" / "learning-rate.ipynb")]
    assert names == ["common.js", "schedule.js"]
    assert touch.paths(root / "book" / "practice" / "transformers-trainer.ipynb") == []


LIBRARY = {"constant": "constant_with_warmup", "wsd": "warmup_stable_decay"}


@pytest.mark.parametrize("warmup", [0, 7, 100])
@pytest.mark.parametrize("kind", ["constant", "linear", "cosine", "inverse_sqrt", "wsd"])
def test_schedules_are_the_librarys(tab, kind, warmup):
    show(tab, "schedule")
    steps, asked = 200, 240  # what comes after the plan belongs to a schedule too
    for decay in (0, 50) if kind == "wsd" else (50,):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        more = {"num_decay_steps": decay} if kind == "wsd" else {}
        scheduler = get_scheduler(LIBRARY.get(kind, kind), optimizer, warmup, steps, scheduler_specific_kwargs=more)
        expected = []
        for _ in range(asked):
            expected.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        found = tab.evaluate(
            "([kind, asked, ...rest]) =>"
            " Array.from({ length: asked }, (_, step) => llmTouch.schedule.share(kind, step, ...rest))",
            [kind, asked, steps, warmup, decay],
        )
        np.testing.assert_allclose(found, expected, atol=1e-12)


def logits_of(context):
    below = np.frombuffer(base64.b64decode(context["below"]), "<u2")
    return -torch.tensor(below.astype(float)) / 1000


@pytest.mark.parametrize(("temperature", "k", "p"), [(1, 0, 1), (0.4, 0, 1), (1, 7, 1), (1, 0, 0.8), (1.7, 50, 0.6)])
def test_probabilities_are_torchs(tab, temperature, k, p):
    show(tab, "sampling")
    for context in data_of("sampling")["contexts"]:
        scores = logits_of(context)[None] + torch.linspace(0, -1e-6, 4096, dtype=torch.float64)  # no ties
        given = scores[0].tolist()
        for warp in [TemperatureLogitsWarper(float(temperature)), *([TopKLogitsWarper(k)] if k else [])]:
            scores = warp(None, scores)
        if p < 1:
            scores = TopPLogitsWarper(p)(None, scores)
        found = tab.evaluate(
            "([z, ...rest]) => Array.from(llmTouch.sampling.probabilities(Float64Array.from(z), ...rest))",
            [given, temperature, k, p],
        )
        np.testing.assert_allclose(found, scores[0].softmax(-1), atol=1e-12)


def test_draws_follow_the_probabilities(tab):
    show(tab, "sampling")
    counts = tab.evaluate("""() => {
        const random = llmTouch.sampling.randomFrom(3), counts = [0, 0, 0, 0];
        for (let i = 0; i < 20000; i++) counts[llmTouch.sampling.drawn([0.5, 0, 0.3, 0.2], random)] += 1;
        return counts;
    }""")
    np.testing.assert_allclose(np.array(counts) / 20000, [0.5, 0, 0.3, 0.2], atol=0.015)


def test_shares_of_attention_are_those_of_the_stored_weights(tab):
    show(tab, "attention")
    data = data_of("attention")
    for sentence in data["sentences"]:
        n = len(sentence["tokens"])
        maps = np.frombuffer(base64.b64decode(sentence["weights"]), "u1").reshape(-1, n, n) / 255
        assert len(maps) == data["layers"] * data["heads"]
        np.testing.assert_allclose(maps.sum(-1), 1, atol=n / 2 / 255)  # each weight is rounded
        for head in (0, 2, 20, 71):
            found = tab.evaluate(
                "([packed, head, n]) => { const { rows, shares } = llmTouch.attention;"
                " return shares(rows(llmTouch.unpack(packed, 1), head, n)); }",
                [sentence["weights"], head, n],
            )
            inner = np.arange(2, n - 2)
            expected = {"first": maps[head, 2:-2, 0], "last": maps[head, 2:-2, -1]}
            expected |= {"before": maps[head, inner, inner - 1], "after": maps[head, inner, inner + 1]}
            expected |= {"itself": maps[head, inner, inner]}
            assert found == pytest.approx({name: float(values.mean()) for name, values in expected.items()})


def test_tokens_give_the_texts_back():
    data = data_of("tokens")
    assert len(data["sentences"]) >= 4
    for sentence in data["sentences"]:
        by_character = sentence["tokens"][data["ways"].index("characters")]
        assert "".join(by_character) == sentence["text"]
        assert all(token is None or token for tokens in sentence["tokens"] for token in tokens)


def test_texts_of_ones_own_are_cut_as_the_tokenizer_cuts_them(tab):
    tokenizer = AutoTokenizer.from_pretrained(models.locate("mini-gpt"))
    odd = [
        "don't we'll  double   blanks 1,200 x\tTab",
        "naïve café ½ ²",
        "🙂 祝",
        "  lead",
        "\ttab",
        "",
        "a\u00a0b\u3000c",
        "I'M ''s",
    ]
    texts = [
        *corpora.load("wikitext-2")["test"]["text"][:40],
        *corpora.load("peoples-daily")["test"]["text"][:10],
        *odd,
    ]
    show(tab, "tokens")
    found = tab.evaluate(
        "([texts, merges]) => texts.map((text) => llmTouch.tokens.bpe(text, llmTouch.tokens.ranksOf(merges)))",
        [texts, data_of("tokens")["merges"]],
    )
    assert found == [tokenizer.tokenize(text) for text in texts]


def test_a_text_of_ones_own_is_shown(tab):
    show(tab, "tokens")
    own = tab.get_by_label("A text of your own")
    own.fill("the house")
    assert result(tab) == "Tokens: characters 9; byte-level BPE 2"
    assert tab.locator("li").all_inner_texts()[-2:] == ["·the", "·house"]
    own.fill("")
    assert tab.get_by_role("radio").first.is_checked()


PARTS = ("validation", "test")


@pytest.mark.parametrize("cost", [1, 10])
def test_what_a_threshold_does_is_counted_right(tab, cost):
    show(tab, "threshold")
    grid = 1 / (1 + np.exp(-np.arange(-6, 6.05, 0.05).round(2)))
    for part in (one[part] for one in data_of("threshold")["classes"] for part in PARTS):
        scores = np.frombuffer(base64.b64decode(part["scores"]), "<u2") / 65535
        wanted = np.frombuffer(base64.b64decode(part["truths"]), "u1") == 1
        counts, odds = tab.evaluate(
            "([scores, truths, cost]) => { const { counts, cheapest } = llmTouch.threshold;"
            " return [counts(scores, truths, 0.3), cheapest(scores, truths, cost)]; }",
            [scores.tolist(), wanted.astype(int).tolist(), cost],
        )
        yes = scores >= 0.3
        expected = {"found": yes & wanted, "missed": ~yes & wanted, "alarms": yes & ~wanted, "left": ~yes & ~wanted}
        assert counts == {name: int(which.sum()) for name, which in expected.items()}
        prices = [cost * np.sum((scores < t) & wanted) + np.sum((scores >= t) & ~wanted) for t in grid]
        assert prices[int(np.abs(np.log(grid / (1 - grid)) - odds).argmin())] == min(prices)


def test_the_threshold_follows_the_keys(tab):
    show(tab, "threshold")
    assert result(tab).startswith("From 0.500 on:")
    line = tab.get_by_role("slider", name="Threshold")
    line.press("Home")
    assert line.get_attribute("aria-valuetext") == "0.002" and "(recall 1.000)" in result(tab)
    tab.get_by_label("False alarms that one miss is worth").press("End")
    tab.get_by_role("button", name="Where the rule says").press("Enter")
    assert line.get_attribute("aria-valuetext") == "0.020"  # 1 in 51
    assert "Cost 50 × " in result(tab)
    tab.get_by_role("radio", name="validation").check()
    tab.get_by_role("button", name="Cheapest on validation").press("Space")
    paid, lowest = re.search(r"= (\d+); the lowest possible here: (\d+)\.", result(tab)).groups()
    assert paid == lowest
    line.press("End")
    assert "HUM" not in tab.locator("svg").get_attribute("aria-label")
    tab.get_by_role("radio", name="HUM").check()
    assert "HUM" in tab.locator("svg").get_attribute("aria-label")


@pytest.mark.parametrize("kind", touch.kinds())
def test_the_keyboard_reaches_every_part_and_it_shows(tab, kind):
    show(tab, kind)
    parts = tab.locator("input:visible, button:not([disabled]):visible")
    # A group of radio buttons is one stop; the arrows walk inside it.
    stops = tab.evaluate("""() => {
        const root = document.querySelector("[data-touch]").shadowRoot, groups = new Set();
        for (const part of root.querySelectorAll("input, button:not([disabled])")) {
            if (part.checkVisibility()) groups.add(part.name || part.closest("[role=radiogroup]") || part);
        }
        return groups.size;
    }""")
    assert parts.count() >= stops >= 1
    press(tab, "Tab")
    seen = 0
    while tab.evaluate("document.activeElement.shadowRoot !== null"):
        seen += 1
        outlines = tab.evaluate("""() => {
            const part = document.activeElement.shadowRoot.activeElement;
            return [part, part.closest("label") ?? part].map((one) => getComputedStyle(one).outlineStyle);
        }""")
        assert "solid" in outlines
        press(tab, "Tab")
    assert seen == stops


def test_the_schedule_follows_the_keys(tab):
    show(tab, "schedule")
    before = result(tab)
    assert "cosine" in tab.locator("svg").get_attribute("aria-label")
    press(tab, "Tab")
    press(tab, "ArrowRight", 2)
    assert "WSD" in tab.locator("svg").get_attribute("aria-label")
    assert tab.get_by_label("Decay, share of all steps").is_visible()
    press(tab, "Tab")
    press(tab, "ArrowRight")
    assert tab.get_by_label("Peak rate").get_attribute("aria-valuetext") == "2.10e-4"
    tab.get_by_role("button", name="Keep this curve").press("Enter")
    assert "Kept (dashed): warm-up, stable, decay" in tab.locator(".box").inner_text()
    assert result(tab) != before


def test_the_schedules_numbers_are_right(tab):
    show(tab, "schedule")
    data = data_of("schedule")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=data["peak"])
    scheduler = get_scheduler("cosine", optimizer, data["steps"] // 10, data["steps"])
    rates = []
    for _ in range(data["steps"]):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    said = [float(number) for number in re.findall(r"\d\.\d\de[+-]\d+", result(tab))]
    np.testing.assert_allclose(said, [rates[data["steps"] // 2], np.mean(rates), rates[-1]], rtol=0.005)


def test_the_sampler_follows_the_keys(tab):
    show(tab, "sampling")
    assert result(tab).startswith("4,096 of 4,096 tokens")
    tab.get_by_label("Top-k").press("Home")
    assert result(tab).startswith("1 of 4,096 tokens")
    tab.get_by_role("button", name="Draw 100").press("Enter")
    assert tab.locator("tbody tr").first.locator("td").last.inner_text() == "100"
    tab.get_by_role("button", name="Clear").press("Space")
    assert tab.locator("tbody tr").first.locator("td").last.inner_text() == ""
    tab.get_by_label("Temperature").press("ArrowLeft")
    assert tab.get_by_label("Temperature").get_attribute("aria-valuetext") == "0.9"


def test_the_heads_follow_the_keys(tab):
    show(tab, "attention")
    head = tab.get_by_role("radio", name="layer 1, head 3", exact=True)
    assert head.get_attribute("aria-checked") == "true"
    head.focus()
    press(tab, "ArrowDown")
    press(tab, "End")
    assert tab.locator("button[aria-checked=true]").get_attribute("aria-label") == "layer 2, head 12"
    assert result(tab).startswith("Layer 2, head 12")
    press(tab, "ArrowRight")  # around the edge
    assert tab.locator("button[aria-checked=true]").get_attribute("aria-label") == "layer 2, head 1"
    tab.get_by_role("radio", name="[SEP]").press("Space")
    assert "[SEP]" in tab.locator("caption").inner_text()


def test_the_texts_follow_the_keys(tab):
    show(tab, "tokens")
    before = result(tab)
    press(tab, "Tab")
    press(tab, "ArrowRight", 3)
    assert result(tab) != before
    assert tab.locator(".text").get_attribute("lang") == "zh"
    assert tab.locator("li.unknown").count() >= 1


@pytest.mark.parametrize("kind", touch.kinds())
def test_the_picture_makes_way_and_nothing_is_loaded(tab, kind):
    tab.requested.clear()
    show(tab, kind)
    assert not tab.locator("img").is_visible()
    assert tab.locator(".box").is_visible()
    tab.emulate_media(media="print")
    assert tab.locator("img").is_visible() and not tab.locator(".box").is_visible()
    tab.emulate_media(media="screen")
    assert [url for url in tab.requested if not url.startswith("data:")] == []
    assert tab.failures == []


@pytest.mark.parametrize("kind", touch.kinds())
def test_jupyterlab_can_show_it(tab, kind):
    tab.set_content('<!doctype html><html lang="en"><title>x</title><body><div class="jp-OutputArea"></div>')
    # JupyterLab fills a node that is not on the page yet, and makes every script anew so that it runs.
    tab.evaluate(
        """([html, picture]) => {
            const node = document.createElement("div");
            node.innerHTML = html;
            for (const old of node.querySelectorAll("script")) {
                const script = document.createElement("script");
                for (const { name, value } of old.attributes) script.setAttribute(name, value);
                script.textContent = old.textContent;
                old.replaceWith(script);
            }
            const image = document.createElement("img");
            image.src = picture;
            document.querySelector(".jp-OutputArea").append(image, node);
        }""",
        [STORED[kind][1], PIXEL],
    )
    assert tab.locator(".box").is_visible() and not tab.locator("img").is_visible()
    assert tab.failures == []


@pytest.mark.parametrize("kind", touch.kinds())
def test_without_scripts_the_picture_stays(browser, kind):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    show(page, kind)
    assert page.locator("img").is_visible()
    assert page.get_by_text(touch.WITHOUT).is_visible()
    context.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", touch.kinds())
def test_axe_finds_nothing(tab, kind, theme):
    show(tab, kind, theme)
    for button in tab.get_by_role("button", name="Keep this curve").all():
        button.click()
    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found] == []


@pytest.mark.parametrize("kind", touch.kinds())
def test_a_phone_is_wide_enough_and_chinese_is_spoken(tab, kind):
    tab.set_viewport_size({"width": 360, "height": 800})
    show(tab, kind, language="zh-CN")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert re.search("[\u4e00-\u9fff]", tab.locator("legend").first.inner_text())
    small = tab.locator("button:visible, input[type=range]:visible").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().height < 20).length"
    )
    assert small == 0
    tab.set_viewport_size({"width": 900, "height": 900})
