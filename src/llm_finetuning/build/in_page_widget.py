"""A Sphinx extension: the form of the model in the page, and what it fetches, on the one page that has it."""

import json
import posixpath
import shutil
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from llm_finetuning.build import project, translation

PAGE = "applications/text-classification"
SECTION = "a-model-in-the-page"  # the form stands at its end
SCRIPT = "in-page-model.mjs"
FOLDER = "_static/in-page-model"  # of the English edition: the others fetch from there too
MADE = Path("_build") / "in-page-model"
KINDS = {
    "ABBR": "what letters stand for",
    "DESC": "a description or a reason",
    "ENTY": "a thing",
    "HUM": "a person or a group",
    "LOC": "a place",
    "NUM": "a number or a date",
}
# What the form says; other languages have it in the build's catalogue. The script fills in the last two.
WORDS = {
    "without": "With scripts switched on, a form stands here: you would type a question, such as <em>How far is it "
    "from Denver to Aspen?</em>, and read that it asks for a number or a date, with the probability of each of the six "
    "kinds.",
    "about": "This small model names the right kind for {accuracy} of the 500 test questions; word counts and MiniLM, "
    "in the table above, for more. It is fetched when you press the button, and what you type stays in your browser.",
    "label": "A question in English",
    "button": "Load the model ({megabytes} MB) and ask",
    "loading": "Loading the model",
    "ranking": "All six kinds, the most probable first",
    "ask": "Ask",
    "answer": "“{question}” asks for {kind}.",
    "failed": "The model could not be loaded: {error}",
}
FORM = """\
<noscript><p>{without}</p></noscript>
<form class="in-page-model" hidden data-folder="{folder}" data-kinds="{kinds}" data-words="{words}">
<p>{about}</p>
<label for="in-page-question">{label}</label>
<input id="in-page-question" data-part="question" type="text" maxlength="300" required autocomplete="off" lang="en"
 value="How far is it from Denver to Aspen?">
<button type="submit" data-part="button">{button}</button>
<progress data-part="progress" max="{bytes}" aria-label="{loading}" hidden></progress>
<p role="status" data-part="status"></p>
<ol data-part="ranking" aria-label="{ranking}" hidden></ol>
</form>
"""


def form(facts: dict[str, Any], folder: str, known: dict[str, str]) -> str:
    """Return the form's HTML; ``folder`` is the address of what it fetches, seen from the page.

    What it says is taken from the translations ``known``, as far as they have it.
    """
    words = {part: known.get(sentence, sentence) for part, sentence in WORDS.items()}
    kinds = {label: known.get(kind, kind) for label, kind in KINDS.items()}
    scripted = {part: words[part] for part in ("loading", "ask", "answer", "failed")}
    words["about"] = words["about"].format(accuracy=f"{facts['accuracy']:.1%}".replace("%", "\N{NO-BREAK SPACE}%"))
    words["button"] = words["button"].format(megabytes=f"{facts['bytes'] / 1e6:.1f}")
    return FORM.format(
        folder=escape(folder),
        kinds=escape(json.dumps(kinds, ensure_ascii=False)),
        words=escape(json.dumps(scripted, ensure_ascii=False)),
        bytes=facts["bytes"],
        **words,
    )


def _place(app: Sphinx, doctree: nodes.document, page: str) -> None:
    if page != PAGE or app.builder.format != "html":
        return
    sections = [section for section in doctree.findall(nodes.section) if SECTION in section["ids"]]
    if not sections:
        raise ExtensionError(f"{PAGE} has no section {SECTION}: the model in the page needs a place.")
    facts = json.loads((project.root() / MADE / "facts.json").read_text("utf-8"))
    edition = app.config.book_editions.get(app.config.language, "")
    here = posixpath.dirname(posixpath.join(edition, page))
    known = {} if app.config.language == "en" else translation.given(project.root(), app.config.language)
    sections[0] += nodes.raw("", form(facts, posixpath.relpath(FOLDER, here) + "/", known), format="html")


def _add_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if page == PAGE:
        app.add_js_file(SCRIPT, type="module")


def _copy(app: Sphinx, failure: Exception | None) -> None:
    if not failure and app.builder.format == "html" and app.config.language == "en":
        shutil.copytree(project.root() / MADE, Path(app.outdir) / FOLDER, ignore=shutil.ignore_patterns("facts.json"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the three hooks."""
    app.connect("doctree-resolved", _place)
    app.connect("html-page-context", _add_script)
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
