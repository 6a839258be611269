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

from llm_finetuning.build import project

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
FORM = """\
<noscript><p lang="en">With scripts switched on, a form stands here: you would type a question, such as <em>How far is
it from Denver to Aspen?</em>, and read that it asks for a number or a date, with the probability of each of the six
kinds.</p></noscript>
<form class="in-page-model" lang="en" hidden data-folder="{folder}" data-kinds="{kinds}">
<p>This small model names the right kind for {accuracy} of the 500 test questions; word counts and MiniLM, in the table
above, for more. It is fetched when you press the button, and what you type stays in your browser.</p>
<label for="in-page-question">A question in English</label>
<input id="in-page-question" data-part="question" type="text" maxlength="300" required autocomplete="off"
 value="How far is it from Denver to Aspen?">
<button type="submit" data-part="button">Load the model ({megabytes} MB) and ask</button>
<progress data-part="progress" max="{bytes}" aria-label="Loading the model" hidden></progress>
<p role="status" data-part="status"></p>
<ol data-part="ranking" aria-label="All six kinds, the most probable first" hidden></ol>
</form>
"""


def form(facts: dict[str, Any], folder: str) -> str:
    """Return the form's HTML; ``folder`` is the address of what it fetches, seen from the page."""
    return FORM.format(
        folder=escape(folder),
        kinds=escape(json.dumps(KINDS)),
        accuracy=f"{facts['accuracy']:.1%}".replace("%", "\N{NO-BREAK SPACE}%"),
        megabytes=f"{facts['bytes'] / 1e6:.1f}",
        bytes=facts["bytes"],
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
    sections[0] += nodes.raw("", form(facts, posixpath.relpath(FOLDER, here) + "/"), format="html")


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
