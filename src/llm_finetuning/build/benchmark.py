"""Time `make book`'s execution of all notebooks against jupyter-book's own, and a rebuild after changing one page.

Both start from an empty artifact cache and run in turn on the same machine; the ratio is kept in
``book/about/benchmark.json`` for the page "How this book was built".
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from llm_finetuning import sources
from llm_finetuning.build import notebooks, project
from llm_finetuning.build.jupyterbook import JUPYTER_BOOK


def main() -> None:
    """Run the comparison and store its figures."""
    root = project.root()
    graph = [
        sys.executable,
        "-m",
        "snakemake",
        "executed",
        "--cores",
        str(os.cpu_count() or 1),
        "--nolock",
        "--quiet",
        "all",
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment = notebooks.environment() | {"LLM_FINETUNING_CACHE": str(_downloads(Path(folder)))}
        # jupyter-book executes what it finds in its source folder, one notebook after the other.
        book = Path(folder) / "book"
        shutil.copytree(root / "book", book)
        shutil.copy(root / "_toc.yml", folder)
        config = Path(folder) / "_config.yml"
        config.write_text(
            "title: benchmark\nexecute: {execute_notebooks: force, timeout: 600}\nonly_build_toc_files: true\n"
        )
        plain = [*JUPYTER_BOOK, "build", str(book), "--config", str(config), "--toc", f"{folder}/_toc.yml"]
        plain += ["--path-output", folder, "--quiet"]
        sequential = _seconds(lambda: _run(plain, environment, root))
    with tempfile.TemporaryDirectory() as folder:
        environment = notebooks.environment() | {"LLM_FINETUNING_CACHE": str(_downloads(Path(folder)))}
        shutil.rmtree(root / "_build" / "executed", ignore_errors=True)
        parallel = _seconds(lambda: _run(graph, environment, root))
        rebuild = _rebuild(root / "book" / f"{project.pages()[0]}.ipynb", lambda: _run(graph, environment, root))
    figures = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "notebooks": len(project.pages()),
        "cores": os.cpu_count(),
        "jupyter_book_seconds": round(sequential, 1),
        "make_book_seconds": round(parallel, 1),
        "ratio": round(sequential / parallel, 2),
        "rebuild_seconds": round(rebuild, 1),
    }
    target = root / "book" / "about" / "benchmark.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{target.relative_to(root)}: {figures}")


def _rebuild(notebook: Path, build: Callable[[], None]) -> float:
    stored = notebook.read_text("utf-8")
    try:
        notebook.write_text(stored + "\n", "utf-8")  # touched but not changed, it would not be executed again
        return _seconds(build)
    finally:
        notebook.write_text(stored, "utf-8")


def _downloads(folder: Path) -> Path:
    """Return a cache folder with the book's downloads and no artifacts."""
    for part in ("packages", "members"):
        if (sources.cache_dir() / part).is_dir():
            shutil.copytree(sources.cache_dir() / part, folder / "cache" / part)
    return folder / "cache"


def _run(command: list[str], environment: dict[str, str], root: Path) -> None:
    subprocess.run(command, env=environment, cwd=root, check=True, stdout=subprocess.DEVNULL)


def _seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
