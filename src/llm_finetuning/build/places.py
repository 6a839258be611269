"""Places in the book, as its lists of words and methods name them: a page, or one of its headings, ``page#anchor``."""

import re
from functools import cache
from pathlib import Path

import nbformat
from myst_parser.mdit_to_docutils.base import default_slugify

LINKED = re.compile(r"\[([^]]+)\](?=\()")


def link(root: Path, place: str) -> str:
    """Return the Markdown of a link to a place, under its page's number and its heading.

    The link is seen from a page in a folder beside the chapters'. Raises SystemExit for a place that does not exist.
    """
    page, _, anchor = place.partition("#")
    if not (root / "book" / f"{page}.ipynb").is_file():
        raise SystemExit(f"{place}: the book has no page {page}.")
    if anchor not in (found := headings(root, page)):
        raise SystemExit(f"{place}: the page has no such heading. It has: {', '.join(found)}.")
    number, heading = title(root, page).split()[0], found[anchor]
    return f"[{heading if heading[0].isdigit() else f'{number} {heading}'}](../{page}.ipynb#{anchor})"


@cache
def headings(root: Path, page: str) -> dict[str, str]:
    """Return a page's headings by their anchors, as links name them."""
    cells = nbformat.read(root / "book" / f"{page}.ipynb", as_version=4).cells
    found, code = {}, False
    for line in (line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()):
        code ^= line.startswith("```")
        if line.startswith("#") and not code:
            heading = line.lstrip("#").strip()
            found[default_slugify(heading)] = heading
    return found


def title(root: Path, page: str) -> str:
    """Return a page's title."""
    return next(iter(headings(root, page).values()))


def translated(markdown: str, known: dict[str, str]) -> str:
    """Return Markdown with the names of the places that it links to translated, as far as ``known`` has them."""

    def name(text: str) -> str:
        number, _, heading = text.partition(" ")
        return known.get(text, f"{number} {known.get(heading, heading)}".strip())

    return LINKED.sub(lambda found: f"[{name(found[1])}]", markdown)
