"""The index of the book's methods, made of ``book/methods.yml``: where each is derived, run and compared.

Whether a method's numbers stand on the page of results, too, is taken from what the pages show.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from myst_parser.mdit_to_docutils.base import default_slugify

from llm_finetuning.build import places

PAGE = "about/methods"
TITLE = "Index of methods"
EXPLAINED = (
    "Every method of the book, with the section where it is derived or written out, where a page runs it, and where it "
    "is measured beside others. Where these pages show headline numbers, the last column leads to them."
)
COLUMNS = ("derived", "run", "compared")
BETWEEN = " · "


@cache
def groups(root: Path) -> list[dict[str, Any]]:
    """Return the groups of methods in the order of the file."""
    found: list[dict[str, Any]] = yaml.safe_load((root / "book" / "methods.yml").read_text("utf-8"))
    return found


def markdown(root: Path, results: list[dict[str, Any]]) -> str:
    """Return the page, in English; ``results`` are the rows that pages show."""
    shown = {row["page"] for row in results}
    lines = [f"# {TITLE}", "", EXPLAINED, ""]
    for group in groups(root):
        lines += [f"## {group['en']}", "", f"| method | {' | '.join(COLUMNS)} | results |", "|:--|:--|:--|:--|:--|"]
        lines += [f"| {' | '.join(_cells(root, method, shown))} |" for method in group["methods"]] + [""]
    return "\n".join(lines)


def _cells(root: Path, method: dict[str, Any], shown: set[str]) -> list[str]:
    columns = [method.get(column, []) for column in COLUMNS]
    pages = dict.fromkeys(place.partition("#")[0] for column in columns for place in column)
    titles = [places.title(root, page) for page in pages if page in shown]
    numbers = [f"[{title}](results.md#{default_slugify(title)})" for title in titles]
    cells = [[places.link(root, place) for place in column] for column in columns]
    return [method["en"], *(BETWEEN.join(links) for links in [*cells, numbers])]


def messages(root: Path, page: str, known: dict[str, str]) -> dict[str, str]:
    """Return the translations of the Markdown ``page``; names of places are taken from ``known``."""
    found = {entry["en"]: entry["zh"] for group in groups(root) for entry in (group, *group["methods"])}
    for line in page.splitlines():
        for cell in (cell.strip() for cell in line.strip("|").split("|") if "](" in cell):
            found[cell] = places.translated(cell, known)
    return found
