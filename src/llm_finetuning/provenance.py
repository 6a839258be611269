"""How recorded runs and shipped checkpoints are made: by a page's own code, with a note of where and when."""

import linecache
import platform
import subprocess
import sys
import types
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


def plan(folder: Path) -> dict[str, Any]:
    """Return what ``plan.yml`` in ``folder`` lists: name -> page, function and settings."""
    import yaml  # a page on Colab only reads what was made, and needs none

    found: dict[str, Any] = yaml.safe_load((folder / "plan.yml").read_text("utf-8"))
    return found


def named(folder: Path, page: Path) -> list[str]:
    """Return which names of the plan in ``folder`` the notebook ``page`` has in quotes."""
    text = page.read_text("utf-8")
    return [name for name in plan(folder) if f'\\"{name}\\"' in text]  # a Python string inside a JSON string


def load_page(path: Path) -> types.ModuleType:
    """Execute the cells of a page tagged ``define`` in a module, so that its functions can be called and read."""
    import nbformat

    module = types.ModuleType("llm_finetuning_page")
    sys.modules[module.__name__] = module
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "code" and {"define", "parameters"} & set(cell.metadata.get("tags", [])):
            name = f"{path}:cell {number}"
            linecache.cache[name] = (len(cell.source), None, cell.source.splitlines(keepends=True), name)
            exec(compile(cell.source, name, "exec"), vars(module))
    return module


def surroundings(root: Path) -> dict[str, Any]:
    """Return the date, the commit of the checkout ``root``, the machine and the versions of what computes."""
    packages = ("torch", "transformers", "datasets", "peft", "scikit-learn")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(root),
        "machine": _machine(),
        "versions": {"python": platform.python_version()} | {package: version(package) for package in packages},
    }


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        if cpuinfo.is_file()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def _commit(root: Path) -> str:
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
