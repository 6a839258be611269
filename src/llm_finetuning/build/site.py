"""From executed pages to the site: stage the sources, write what is generated, run jupyter-book strictly."""

import base64
import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from llm_finetuning.build import (
    chapters,
    discovery,
    glossary,
    jupyterbook,
    lighthouse,
    methods,
    project,
    results,
    translation,
)
from llm_finetuning.results import MIME

LANDING_TAG = "landing-figure"
LAST_RUN = "*When this site was built, this page ran in {seconds} seconds ([how]({how})).*"


def build(root: Path) -> Path:
    """Build the site of the executed pages into ``_build/html`` and return it; a failed build leaves the old site.

    Warnings and unresolved references are errors: SystemExit with what Sphinx said.
    """
    source, work = root / "_build" / "source", root / "_build" / "site"
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints"))
    _stage_pages(root, source)
    (source / "about").mkdir(exist_ok=True)
    (source / "about" / "how-built.md").write_text(how_built(root), "utf-8")
    found = results.collect(root, commit(root))
    (source / f"{results.PAGE}.md").write_text(results.markdown(root, found), "utf-8")
    (source / f"{glossary.PAGE}.md").write_text(glossary.markdown(root), "utf-8")
    (source / f"{methods.PAGE}.md").write_text(methods.markdown(root, found["results"]), "utf-8")
    facts = {page: _facts(root, page) for page in project.pages()}
    chapters.write(root, source, {page: fact["seconds"] for page, fact in facts.items()}, known={})
    built = jupyterbook.run(source, *translation.configure(root, "en"), work / "en")
    for language in translation.wanted()[1:]:
        staged = translation.stage(root, source, language, LAST_RUN, facts)
        translated = jupyterbook.run(staged, *translation.configure(root, language), work / language)
        translated.rename(built / translation.EDITIONS[language])
    results.write(root, found, [built / translation.EDITIONS[language] for language in translation.wanted()])
    discovery.write_sitemap(built)
    target = root / "_build" / "html"
    shutil.rmtree(target, ignore_errors=True)
    built.rename(target)
    return target


def _stage_pages(root: Path, source: Path) -> None:
    landing = None
    for page in project.pages():
        notebook = nbformat.read(project.executed(root, page), as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(MIME, None)  # for machines: Sphinx warns that it cannot show it
            for picture, alt in _pictures(cell):
                # myst-nb takes the alternative text from the cell.
                cell.metadata["mystnb"] = {"image": {"alt": alt}}
                if LANDING_TAG in cell.metadata.get("tags", []):
                    landing = picture, alt
        title = next(
            i for i, cell in enumerate(notebook.cells) if cell.source.startswith("# ") and cell.cell_type == "markdown"
        )
        notebook.cells.insert(title + 1, nbformat.v4.new_markdown_cell(LAST_RUN.format(**_facts(root, page))))
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, source / f"{page}.ipynb")
    if landing is None:
        raise SystemExit(f"No page has a cell tagged {LANDING_TAG} with a figure: the landing page needs one.")
    picture, alt = landing
    (source / "_static" / "landing.png").write_bytes(base64.b64decode(picture))
    index = source / "index.md"
    index.write_text(index.read_text("utf-8").replace("LANDING_ALT", alt), "utf-8")


def _facts(root: Path, page: str) -> dict[str, str]:
    """Return what LAST_RUN says of a page."""
    return {
        "seconds": f"{measured(root, page)['seconds']:.0f}",
        "how": "../" * page.count("/") + "about/how-built.md",
    }


def measured(root: Path, page: str) -> dict[str, float]:
    """Return what the page's last execution took: seconds, processor_seconds and peak_megabytes."""
    found: dict[str, float] = json.loads(project.measured(root, page).read_text("utf-8"))
    return found


def _pictures(cell: Any) -> list[tuple[str, str]]:
    outputs = [item for item in cell.get("outputs", []) if "image/png" in item.get("data", {})]
    return [(item.data["image/png"], item.metadata.get("image/png", {}).get("alt", "")) for item in outputs]


def how_built(root: Path) -> str:
    """Return the page "How this book was built": what every notebook took, with which versions, when and where."""
    rows = []
    for page in project.pages():
        took = measured(root, page)
        figures = (f"{took[name]:,.0f}" for name in ("seconds", "processor_seconds", "peak_megabytes"))
        rows.append(f"| [{page}](../{page}.ipynb) | {' | '.join(figures)} |")
    packages = ("torch", "transformers", "datasets", "peft", "scikit-learn", "jupyter-book", "papermill", "snakemake")
    versions = [f"| {package} | {version(package)} |" for package in packages]
    lines = [
        "# How this book was built",
        "",
        f"On {datetime.now(UTC):%Y-%m-%d}, from commit {commit(root)}, with Python {platform.python_version()} on "
        f"{os.cpu_count()} cores ({platform.machine()}). Every notebook ran on one thread, two side by side.",
        "",
        "## What each notebook took",
        "",
        "| notebook | seconds | processor seconds | peak memory, MB |",
        "|---|--:|--:|--:|",
        *rows,
        "",
        "## Versions",
        "",
        "| package | version |",
        "|---|---|",
        *versions,
        "",
        *lighthouse.section(root),
        *_benchmark(root),
    ]
    return "\n".join(lines)


def commit(root: Path) -> str:
    """Return the checkout's short commit, with a mark when files differ from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def _benchmark(root: Path) -> list[str]:
    path = root / "book" / "about" / "benchmark.json"
    if not path.is_file():
        return []
    figures = json.loads(path.read_text("utf-8"))
    return [
        "## Against sequential execution",
        "",
        f"Measured by `make benchmark` on {figures['date']}, {figures['notebooks']} notebooks on {figures['cores']} "
        "cores, both from empty caches of trained models, in one run:",
        "",
        "| | seconds |",
        "|---|--:|",
        f"| jupyter-book's own execution, one notebook after the other | {figures['jupyter_book_seconds']} |",
        f"| `make book`'s execution of the same notebooks | {figures['make_book_seconds']} |",
        f"| ratio | {figures['ratio']} |",
        f"| the same after a change to one notebook | {figures['rebuild_seconds']} |",
    ]
