"""A landing page for each chapter: what its pages ask, and a picture of which of them builds on which.

The table of contents names them: ``<chapter>/index``. What a page asks is its first paragraph, and what it builds on
are the pages that its introduction links to; both are read from the notebooks.
"""

import posixpath
import re
from html import escape
from pathlib import Path

import nbformat

from llm_finetuning.build import project

EXPLAINED = (
    "What the pages of this chapter ask, and how long each takes on one thread. In the picture, a line leads from "
    "a page to a later one whose introduction refers to it; pages of other chapters that it refers to stand below its "
    "title."
)
ENTRY = "[]({file}) ({seconds} s)"
LINK = re.compile(r"\]\(([\w./-]+)\.ipynb[^)]*\)")
# The picture, in its own units: wide enough for the longest title, so that a phone still shows it readably.
WIDTH, BOX, GAP, LANE = 430, 48, 16, 11


def landings() -> dict[str, list[str]]:
    """Return the landing pages that the table of contents names, with the pages of each one's chapter."""
    pages = project.pages()
    return {
        landing: [page for page in pages if posixpath.dirname(page) == posixpath.dirname(landing)]
        for landing in project.listed()
        if landing.endswith("/index")
    }


def introduction(path: Path) -> list[str]:
    """Return the paragraphs of a notebook between its title and its first code."""
    cells = nbformat.read(path, as_version=4).cells[1:]  # without the set-up cell
    first = next((number for number, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    return "\n\n".join(cell.source for cell in cells[:first]).split("\n\n")[1:]


def leans_on(page: str, introduction: list[str]) -> list[str]:
    """Return the other pages that an introduction links to, each once."""
    folder = posixpath.dirname(page)
    found = LINK.findall("\n".join(introduction))
    linked = [posixpath.normpath(posixpath.join(folder, target)) for target in found]
    return list(dict.fromkeys(target for target in linked if target != page))


def write(root: Path, source: Path, seconds: dict[str, str], known: dict[str, str]) -> None:
    """Write the landing pages into the staged ``source``; words of the pictures are taken from ``known``."""
    for landing, pages in landings().items():
        introductions = {page: introduction(root / "book" / f"{page}.ipynb") for page in pages}
        linked = {page: leans_on(page, text) for page, text in introductions.items()}
        titles = {page: project.title(root, page) for page in project.pages()}
        lines = [f"# {project.caption(pages[0])}", "", EXPLAINED, ""]
        lines += [picture(pages, linked, {page: known.get(title, title) for page, title in titles.items()}), ""]
        for page in pages:
            lines += [f"- {entry(page, seconds[page])}", "", f"  {introductions[page][0]}", ""]
        (source / landing).parent.mkdir(parents=True, exist_ok=True)
        (source / f"{landing}.md").write_text("\n".join(lines), "utf-8")


def entry(page: str, seconds: str, sentence: str = ENTRY) -> str:
    """Return what the list says of a page before its question."""
    return sentence.format(file=f"{posixpath.basename(page)}.ipynb", seconds=seconds)


def picture(pages: list[str], linked: dict[str, list[str]], titles: dict[str, str]) -> str:
    """Return the chapter's map as SVG: a box for each page, a line from each to those that build on it.

    It stands inside the page, so that it takes the page's colours and fonts. Its description says all that it shows.
    """
    rows = {page: number for number, page in enumerate(pages)}
    earlier = {page: [target for target in linked[page] if rows.get(target, row) < row] for page, row in rows.items()}
    edges = [(rows[target], row) for page, row in rows.items() for target in earlier[page]]
    left = 12 + LANE * max((end - start for start, end in edges), default=0)
    height = len(pages) * (BOX + GAP) - GAP
    lines, said = [], []
    for page, row in rows.items():
        others = [titles[target].split()[0] for target in linked[page] if target in titles and target not in rows]
        top = row * (BOX + GAP) + 1
        lines.append(f'<rect x="{left}" y="{top}" width="{WIDTH - left - 1}" height="{BOX - 2}" rx="5"/>')
        middle = top + (20 if others else 28)
        lines.append(f'<text x="{left + 12}" y="{middle}">{escape(titles[page])}</text>')
        if others:
            numbers = escape(" · ".join(others))
            lines.append(f'<text class="others" x="{left + 12}" y="{middle + 18}">← {numbers}</text>')
        sources = [titles[target] for target in earlier[page]] + others
        said.append(titles[page] + (f" ← {', '.join(sources)}" if sources else ""))
    for start, end in edges:
        # The line leaves a box in its lower half and arrives in the upper half of another.
        (y1, y2), bend = (start * (BOX + GAP) + 32, end * (BOX + GAP) + 16), left - LANE * (end - start) - 6
        lines.append(f'<path d="M{left} {y1}C{bend} {y1 + 4} {bend} {y2 - 4} {left - 5} {y2}"/>')
        lines.append(f'<path class="head" d="M{left - 1} {y2}l-8 -4.5v9z"/>')
    shape = f'role="img" viewBox="0 0 {WIDTH} {height}" aria-label="{escape("; ".join(said))}"'
    return "\n".join([f'<svg class="chapter-map" {shape}>', *lines, "</svg>"])
