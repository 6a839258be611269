"""Running jupyter-book on staged sources, strictly: with its HTML builder, or with another one of Sphinx."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

# jupyter-book of this very environment, whatever the PATH says; it has no __main__ of its own.
JUPYTER_BOOK = (sys.executable, "-c", "from jupyter_book.cli.main import main; main()")


def run(source: Path, configuration: dict[str, Any], toc: dict[str, Any], work: Path, builder: str = "html") -> Path:
    """Build the staged ``source`` below ``work`` and return the folder of what was built.

    Warnings and unresolved references are errors: SystemExit with what Sphinx said.
    """
    for name, content in (("_config.yml", configuration), ("_toc.yml", toc)):
        (source / name).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    command = [*JUPYTER_BOOK, "build", str(source), "--config", str(source / "_config.yml")]
    command += ["--toc", str(source / "_toc.yml"), "--path-output", str(work), "-W", "-n", "--keep-going", "-q"]
    if builder != "html":
        command += ["--builder", "custom", "--custom-builder", builder]
    result = subprocess.run(command, capture_output=True, text=True)
    built = work / "_build" / builder
    if result.returncode or not built.is_dir():
        raise SystemExit(f"The {builder} was not built:\n{result.stdout[-3000:]}\n{result.stderr[-6000:]}")
    return built
