"""The glossary, made of ``book/glossary.yml``, and a Sphinx extension that leads from words to it.

On every notebook's page, the first use of each word in the text becomes a quiet link to its entry, except on the page
that explains the word. In a translated edition this is done after the translation, by the words of the language in
which a paragraph is shown.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx

from llm_finetuning.build import places, project

PAGE = "about/glossary"
TITLE = "Glossary"
EXPLAINED = (
    "The words of the field that this book uses: what each means, its name in Chinese, and the page that explains it. "
    "On the other pages, the first use of a word leads here."
)
# Text inside of these is not the author's running text, or is a link already.
CLOSED = (nodes.reference, nodes.literal, nodes.math, nodes.raw, nodes.entry)


@cache
def entries(root: Path) -> list[dict[str, Any]]:
    """Return the words in the order of the file."""
    found: list[dict[str, Any]] = yaml.safe_load((root / "book" / "glossary.yml").read_text("utf-8"))
    return found


def anchor(entry: dict[str, Any]) -> str:
    """Return the anchor of an entry on the page, the same in every language."""
    return str(nodes.make_id(entry["en"]))


def markdown(root: Path) -> str:
    """Return the page, in English."""
    blocks = [f"# {TITLE}", EXPLAINED]
    for entry in entries(root):
        blocks += [f"## {entry['en']}", _english(root, entry)]
    return "\n\n".join([*blocks, ""])


def messages(root: Path, known: dict[str, str]) -> dict[str, str]:
    """Return the translations of what the page says of each word; names of places are taken from ``known``."""
    found: dict[str, str] = {}
    for entry in entries(root):
        other = f'<span lang="en">{entry["en"]}</span>。' if entry["en"] != entry["zh"] else ""
        text = f"{other}{entry['zh_says']}（{places.translated(places.link(root, entry['place']), known)}）"
        found |= {entry["en"]: entry["zh"], _english(root, entry): text}
    return found


def _english(root: Path, entry: dict[str, Any]) -> str:
    other = f'<span lang="zh">{entry["zh"]}</span>. ' if entry["en"] != entry["zh"] else ""
    return f"{other}{entry['says']} ({places.link(root, entry['place'])})"


def forms(entry: dict[str, Any], chinese: bool) -> list[str]:
    """Return the spellings of a word that are linked, in lower case; a single character may be part of another word."""
    found = [entry["zh"], *entry.get("zh_also", [])] if chinese else [entry["en"], *entry.get("also", [])]
    return [form.lower() for form in found if len(form) > 1]


def first_uses(text: str, words: dict[str, Any], seen: set[str]) -> list[tuple[int, int, Any]]:
    """Return start, end and entry of the words used in ``text`` that are not in ``seen``, and add them to it.

    ``words`` are entries by their forms. Of words that begin at the same place the longest is taken, whole.
    """
    found = []
    for use in _pattern(tuple(words)).finditer(text):
        entry = words[" ".join(use[1].lower().split())]
        if entry["en"] not in seen:
            seen.add(entry["en"])
            found.append((*use.span(), entry))
    return found


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    one_of = "|".join(re.escape(word).replace("\\ ", r"\s+") for word in longest)
    return re.compile(rf"(?<![A-Za-z0-9-])({one_of})s?(?![A-Za-z0-9-])", re.IGNORECASE)


def link_first_uses(doctree: nodes.document, page: str, entries: list[dict[str, Any]], language: str, to: str) -> None:
    """Make links to the glossary at the address ``to`` of the first uses of its words in a page's paragraphs."""
    by_form = [{form: entry for entry in entries for form in forms(entry, chinese)} for chinese in (False, True)]
    seen = {entry["en"] for entry in entries if page in (entry["place"].partition("#")[0], *entry.get("not_on", []))}
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if any("cell" in parent.get("classes", []) for parent in _parents(paragraph)):
            continue  # what a cell shows
        chinese = language != "en" and "language-en" not in paragraph["classes"]
        for text in list(paragraph.findall(nodes.Text)):
            if any(isinstance(parent, CLOSED) for parent in _parents(text)):
                continue
            if uses := first_uses(str(text), by_form[chinese], seen):
                text.parent.replace(text, _linked(str(text), uses, language, to))


def _linked(text: str, uses: list[tuple[int, int, Any]], language: str, to: str) -> list[nodes.Node]:
    pieces: list[nodes.Node] = []
    done = 0
    for start, end, entry in uses:
        link = nodes.reference("", text[start:end], internal=True, refuri=f"{to}#{anchor(entry)}")
        link["classes"].append("glossary-link")
        link["reftitle"] = entry["says" if language == "en" else "zh_says"]
        pieces += [nodes.Text(text[done:start]), link]
        done = end
    return [*pieces, nodes.Text(text[done:])]


def _parents(node: nodes.Node) -> list[Any]:
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def _link(app: Sphinx, doctree: nodes.document, page: str) -> None:
    if app.builder.format == "html" and page in project.pages():
        to = app.builder.get_relative_uri(page, PAGE)
        link_first_uses(doctree, page, entries(project.root()), app.config.language, to)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook on whole pages."""
    app.connect("doctree-resolved", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
