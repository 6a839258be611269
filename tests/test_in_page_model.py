"""The model in the page: PyTorch's answers in the reader's browser, nothing fetched unasked, nothing from elsewhere."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from site_server import HTML
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llm_finetuning import checkpoints, sources, tasks
from llm_finetuning.build import in_page_model, in_page_widget, npm_packages, translation

PATH = f"{in_page_widget.PAGE}.html"
MODULE = f"_static/{in_page_widget.SCRIPT}"
FETCHED = ("runtime.mjs", "runtime.wasm.gz", "model.onnx.gz", "words.json.gz")
NASTY = [
    *(
        "",
        " ",
        "Naïve café, ÉCOLE?",
        "[MASK] me [SEP] [mask]",
        "ΟΔΥΣΣΕΥΣ Σ",
        "İstanbul ı",
        "大语言模型 and 日本",
        "😀 ½ ﬁ ẞ",
    ),
    *(
        "a\0b\ufffdc\u200bd\u00ade",
        "tab\tnew\nline\u2028x\u3000y\u00a0z\u000bv",
        "won't-stop... `` '' $5.00 #1 ©®™ « »",
    ),
    *("x" * 101, "x" * 100, "many words " * 100, "e\u0301\u0323 combined", "한국어 हिन्दी"),
]


@pytest.fixture(scope="module")
def shipped():
    folder = checkpoints.folder(in_page_model.CHECKPOINT)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def questions():
    return tasks.load("trec")["test"]["text"][:]


@pytest.fixture
def tab(browser, address):
    """The page, loaded, in a tab that remembers what it asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(120_000)  # a busy machine is no fault of the page
    tab = context.new_page()
    tab.requested = []
    tab.on("request", lambda request: tab.requested.append(request.url))
    tab.goto(f"{address}/{PATH}", wait_until="networkidle")
    yield tab
    context.close()


def ask(tab, question):
    """Type a question, press Enter, and return the sentence that is read out."""
    tab.get_by_label("A question in English").fill(question)
    tab.keyboard.press("Enter")
    tab.wait_for_function(
        "asked => document.querySelector('form.in-page-model [role=status]').textContent.includes(asked)",
        arg=f"“{question}” asks for",
    )
    return tab.locator("form.in-page-model [role=status]").inner_text()


def test_it_gives_pytorch_s_answers_and_fetches_only_when_asked(tab, address, shipped, questions):
    model, tokenizer = shipped
    fetched = f"{address}/{in_page_widget.FOLDER}/"
    assert [url for url in tab.requested if url.startswith(fetched)] == []
    for question in questions[:20]:
        with torch.no_grad():
            best = model(**tokenizer(question, return_tensors="pt")).logits.argmax().item()
        assert f"({model.config.id2label[best]})" in ask(tab, question)
    assert sorted(url for url in tab.requested if url.startswith(fetched)) == sorted(fetched + name for name in FETCHED)
    assert [url for url in tab.requested if not url.startswith((address, "data:", "blob:"))] == []


def test_its_tokenizer_is_the_python_one(tab, address, shipped, questions):
    texts = questions + NASTY
    tokens = shipped[1].convert_ids_to_tokens(range(len(shipped[1])))
    found = tab.evaluate(
        """async ([address, texts, tokens]) => {
            const { tokenize, vocabularyOf } = await import(address);
            return texts.map(text => tokenize(text, vocabularyOf(tokens)));
        }""",
        [f"{address}/{MODULE}", texts, tokens],
    )
    expected = shipped[1](texts, truncation=True)["input_ids"]
    assert [text for text, one, other in zip(texts, found, expected, strict=True) if one != other] == []


def test_axe_finds_nothing_before_and_after_an_answer(tab):
    def findings():
        return [rule["id"] for rule in Axe().run(tab, context="form.in-page-model").response["violations"]]

    for theme in ("light", "dark"):
        tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert findings() == []
    ask(tab, "Who wrote Faust?")
    for theme in ("dark", "light"):
        tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert findings() == []


def test_a_phone_shows_the_answer_without_scrolling_sideways(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    ask(tab, "Who wrote " + "a" * 80 + "?")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.locator("form.in-page-model li").count() == 6


def test_what_cannot_be_loaded_is_said_and_can_be_tried_again(tab):
    tab.route("**/model.onnx.gz", lambda route: route.abort())
    tab.locator("form.in-page-model button").click()
    status = tab.locator("form.in-page-model [role=status]")
    status.filter(has_text="could not be loaded").wait_for()
    tab.unroute("**/model.onnx.gz")
    assert "(HUM)" in ask(tab, "Who wrote Faust?")


def test_without_scripts_a_sentence_says_what_one_would_see(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{PATH}")
    sentence = page.locator("article noscript p").last
    assert sentence.is_visible() and sentence.text_content().startswith("With scripts switched on, a form stands here")
    assert not page.locator("form.in-page-model").is_visible()
    context.close()


def test_the_button_says_what_is_transferred():
    sizes = [(HTML / in_page_widget.FOLDER / name).stat().st_size for name in FETCHED]
    (said,) = re.findall(r"Load the model \((.+) MB\)", (HTML / PATH).read_text("utf-8"))
    assert float(said) == pytest.approx(sum(sizes) / 1e6, abs=0.05)
    assert (HTML / MODULE).stat().st_size < 20_000


def test_every_kind_has_words(shipped):
    assert set(in_page_widget.KINDS) == set(in_page_model.label_names(shipped[0]))


def test_other_logits_and_other_answers_are_refused():
    logits = np.eye(100, 6, dtype=np.float32)
    assert in_page_model.compare(logits, logits + 5e-5, logits) == 1
    with pytest.raises(checkpoints.CheckpointError, match="differ from PyTorch"):
        in_page_model.compare(logits, logits + 2e-4, logits)
    turned = logits.copy()
    turned[:2] = turned[:2, ::-1]
    with pytest.raises(checkpoints.CheckpointError, match="98"):
        in_page_model.compare(logits, logits, turned)


def test_a_missing_registry_and_another_file_are_said(cache, monkeypatch):
    def registry(content):
        def npm(arguments, **_):
            if content:
                (Path(arguments[-1]) / "a.tgz").write_bytes(content)
            return subprocess.CompletedProcess(arguments, 0 if content else 1, stderr="ENOTFOUND")

        monkeypatch.setattr(npm_packages, "npm", npm)

    registry(None)
    with pytest.raises(sources.SourceError, match=r"point npm at a mirror.*ENOTFOUND"):
        in_page_model.runtime()
    registry(b"other")
    with pytest.raises(sources.SourceError, match="another file"):
        in_page_model.runtime()
    assert not list(cache.rglob("*.tgz"))


def test_the_model_is_smaller_than_the_checkpoint(root):
    facts = json.loads((root / "_build" / in_page_model.FOLDER / in_page_model.FACTS).read_text("utf-8"))
    assert facts["agreement"] >= in_page_model.AGREEMENT and facts["bytes"] < 8e6


def test_in_chinese_it_speaks_chinese_and_answers_alike(tab, address):
    tab.goto(f"{address}/zh/{PATH}", wait_until="networkidle")
    form = tab.locator("form.in-page-model")
    assert form.locator("button").inner_text().startswith("下载模型（")
    form.get_by_label("一个英文问题").fill("Who wrote {kind} Faust?")
    form.locator("button").click()
    form.locator("li").first.wait_for()
    status = form.locator("[role=status]").inner_text()
    assert status.startswith("“Who wrote {kind} Faust?”问的是人或团体 (HUM)")
    assert form.locator("button").inner_text() == "提问"


def test_every_word_of_the_form_has_a_translation(root):
    known = translation.given(root, "zh_CN")
    said = [*in_page_widget.WORDS.values(), *in_page_widget.KINDS.values()]
    assert [sentence for sentence in said if sentence not in known] == []
    for sentence in said:
        assert re.findall(r"{\w+}", sentence) == re.findall(r"{\w+}", known[sentence])
