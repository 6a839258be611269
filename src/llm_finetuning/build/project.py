"""The project's own facts: its pages, its repository, the cell that every page begins with."""

import os
import tomllib
from pathlib import Path

import nbformat
import yaml

SETUP_CELL = """\
# Installs the book's helper package where it is missing (Colab, Binder); does nothing elsewhere.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("llm_finetuning") is None:
    package = os.environ.get("LLM_FINETUNING_PACKAGE", "git+{repository}")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)"""


def root() -> Path:
    """Return the folder of the checkout that this package is installed from; it holds ``_toc.yml``."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / "_toc.yml").is_file():
        raise SystemExit("The book's tools run from a clone of its repository (pip install -e .).")
    return folder


def repository() -> str:
    """Return the repository's address: the fork that GitHub Actions builds, or the one in pyproject.toml."""
    if fork := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{fork}"
    return declared_repository()


def declared_repository() -> str:
    """Return the address in pyproject.toml, the one place that names it."""
    project = tomllib.loads((root() / "pyproject.toml").read_text("utf-8"))["project"]
    address: str = project["urls"]["Repository"]
    return address


def listed() -> list[str]:
    """Return the table of contents in order, as paths below ``book/`` without a suffix."""
    toc = yaml.safe_load((root() / "_toc.yml").read_text("utf-8"))
    found: list[str] = [toc["root"]]
    for part in toc.get("parts", []):
        for chapter in part.get("chapters", []):
            found += [chapter["file"], *(section["file"] for section in chapter.get("sections", []))]
    return found


def pages() -> list[str]:
    """Return the notebooks among what is listed."""
    return [page for page in listed() if (root() / "book" / f"{page}.ipynb").is_file()]


def executed(root: Path, page: str) -> Path:
    """Return where a page is kept as papermill has executed it."""
    return root / "_build" / "executed" / f"{page}.ipynb"


def measured(root: Path, page: str) -> Path:
    """Return where it is kept what that execution took: seconds, processor_seconds and peak_megabytes, as JSON."""
    return root / "_build" / "measured" / f"{page}.json"


def caption(page: str) -> str:
    """Return the title of the chapter that the table of contents has a page in."""
    parts = yaml.safe_load((root() / "_toc.yml").read_text("utf-8"))["parts"]
    found: str = next(part["caption"] for part in parts if page in [entry["file"] for entry in part["chapters"]])
    return found


def title(root: Path, page: str) -> str:
    """Return a page's title, as the page gives it."""
    cells = nbformat.read(root / "book" / f"{page}.ipynb", as_version=4).cells
    lines = (line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    found: str = next(line.removeprefix("# ") for line in lines if line.startswith("# "))
    return found


def write_whole(path: Path, text: str) -> None:
    """Write a file under a temporary name first: an old one stays until the new one is whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")  # two may write the same at the same time
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
