"""Executing pages, comparing what they show with what is stored, and storing what they show."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from llm_finetuning.build import project

# The page limit of the design: seconds on one thread, from empty caches, at scale "cpu".
PAGE_LIMIT_SECONDS = 120
# Two pages run side by side: threads of one would only wait for a core that the other has.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# A page imports a million objects. Looking for garbage among them while they come costs a quarter of the time (a page
# turns the collection on again in `runtime.start`), and taking them apart one by one at the end costs as much.
KERNEL_CONFIG = """\
c = get_config()
c.HistoryManager.enabled = False
c.IPKernelApp.exec_lines = [
    "__import__('gc').disable()",
    "__import__('atexit').register(__import__('os')._exit, 0)",  # registered first, so it is called last
]
"""


def kernel_profile(folder: Path) -> dict[str, str]:
    """Write what kernels of the build are configured by into ``folder``; return the environment that points there.

    The reader's own IPython profile has no part in what a page shows.
    """
    config = folder / "profile_default" / "ipython_kernel_config.py"
    config.parent.mkdir(parents=True, exist_ok=True)
    project.write_whole(config, KERNEL_CONFIG)
    return {"IPYTHONDIR": str(folder)}


def environment() -> dict[str, str]:
    """Return the environment every page runs in: one thread, no progress bars, no hub, nothing of the user's own."""
    fixed = {
        **ONE_THREAD,
        **kernel_profile(project.root() / "_build" / "ipython"),
        "LLM_FINETUNING_BUILD": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {**os.environ, **fixed}


def execute(page: str, target: Path, source: Path | None = None, measured: Path | None = None) -> Path:
    """Run a page with papermill and write it, cleaned, to ``target``; an old ``target`` stays until it is whole.

    What it took is written to ``measured``, as JSON: seconds, processor_seconds and peak_megabytes.
    Raises SystemExit with the failing cell's traceback when a cell fails or prints to stderr.
    """
    notebook = source or project.root() / "book" / f"{page}.ipynb"
    with tempfile.TemporaryDirectory() as folder, _progress(page):
        output = Path(folder) / "page.ipynb"
        command = [*papermill(sys.executable, notebook, output), "--cwd", folder, "--log-level", "ERROR"]
        started = time.monotonic()
        result = subprocess.run(command, env=environment(), capture_output=True, text=True)
        seconds = time.monotonic() - started
        if result.returncode:
            _, _, failure = result.stderr.rpartition("Exception encountered")  # papermill's own traceback precedes it
            raise SystemExit(f"{page} failed: {failure.strip()[-6000:]}")
        executed = nbformat.read(output, as_version=4)
    clean(executed)
    for number, text in complaints(executed):
        raise SystemExit(f"{page}, cell {number} prints to stderr; a page shows no warnings:\n{text}")
    target.parent.mkdir(parents=True, exist_ok=True)
    project.write_whole(target, nbformat.writes(executed))
    if measured:
        measured.parent.mkdir(parents=True, exist_ok=True)
        project.write_whole(measured, json.dumps({"seconds": seconds, **_used()}))
    return target


def papermill(python: str | Path, notebook: Path, output: Path) -> list[str]:
    """Return the command by which ``python`` executes a notebook.

    ``output`` is written once, at the end or when a cell has failed: papermill's custom of writing the whole notebook
    before and after each cell takes a second and more of a page with figures.
    """
    command = [str(python), "-m", "papermill", str(notebook), str(output), "--kernel", "python3", "--no-progress-bar"]
    return [*command, "--no-request-save-on-cell-execute", "--autosave-cell-every", "0"]


def _used() -> dict[str, float]:
    """Return what all processes that this one has started and that have ended used together, and the largest's memory.

    A command of the build runs one page and ends.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes on Linux
    return {"processor_seconds": used.ru_utime + used.ru_stime, "peak_megabytes": used.ru_maxrss / unit}


def complaints(notebook: Any) -> list[tuple[int, str]]:
    """Return what the cells of an executed notebook print to stderr: the cell's number and the text."""
    return [
        (number, item["text"])
        for number, cell in enumerate(notebook.cells)
        for item in cell.get("outputs", [])
        if item.get("name") == "stderr"
    ]


def clean(notebook: Any) -> None:
    """Drop what differs from run to run and machine to machine: run times, paths, versions of the kernel."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what a cell prints: how many pieces it arrives in depends on how busy the machine is."""
    joined: list[Any] = []
    for item in outputs:
        if joined and item.output_type == "stream" and joined[-1].get("name") == item.name:
            joined[-1].text += item.text
        else:
            joined.append(item)
    return joined


def differences(stored: Path, executed: Path) -> list[str]:
    """Return a line for each cell that nbval compares and whose output is not the stored one."""
    old, new = (nbformat.read(path, as_version=4).cells for path in (stored, executed))
    found = [] if len(old) == len(new) else [f"{stored.name}: {len(old)} cells stored, {len(new)} executed"]
    for number, (before, after) in enumerate(zip(old, new, strict=False)):
        if before.cell_type != after.cell_type:
            found.append(f"{stored.name}, cell {number}: {before.cell_type} stored, {after.cell_type} executed")
            continue
        if before.cell_type != "code" or "nbval-ignore-output" in before.metadata.get("tags", []):
            continue
        if before.source != after.source or _comparable(before) != _comparable(after):
            found.append(
                f"{stored.name}, cell {number}:\n  stored   {_comparable(before)}\n  executed {_comparable(after)}"
            )
    return found


def validate(page: str) -> None:
    """Run nbval on a page and hold its execution by papermill against the stored outputs; SystemExit if they differ."""
    stored = project.root() / "book" / f"{page}.ipynb"
    executed = project.executed(project.root(), page)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--quiet", "--no-header"]
    command += ["-p", "no:cacheprovider", str(stored)]
    result = subprocess.run(command, env=environment(), cwd=project.root(), capture_output=True, text=True)
    print(result.stdout[-6000:], flush=True)
    found = differences(stored, executed)
    if result.returncode or found:
        advice = "If the change is meant, run `make refresh` and commit."
        raise SystemExit("\n".join([f"{page} does not show what is stored for it. {advice}", *found]))


def refresh(page: str) -> bool:
    """Store the executed outputs of a page in ``book/``; return whether that changed the file."""
    stored = project.root() / "book" / f"{page}.ipynb"
    executed = project.executed(project.root(), page)
    content = nbformat.writes(nbformat.read(executed, as_version=4))
    if stored.read_text("utf-8") == content:
        return False
    project.write_whole(stored, content)
    executed.touch()  # still newer than the page it was made from: nothing to run again
    return True


def _comparable(cell: Any) -> list[Any]:
    """Return what nbval compares of a cell's outputs: texts, not pictures, run numbers or metadata."""
    kept = []
    for item in cell.outputs:
        if item.output_type == "stream":
            kept.append(item.text)
        elif item.output_type != "error":
            kept.append({kind: data for kind, data in item.data.items() if not kind.startswith("image/")})
    return kept


@contextmanager
def _progress(page: str) -> Iterator[None]:
    """Say every 20 s which notebook runs, for how long it has, and how many are left."""
    done = threading.Event()
    started = time.monotonic()

    def left() -> str:
        missing = [p for p in project.pages() if not project.executed(project.root(), p).is_file()]
        return f"{len(missing)} of {len(project.pages())} notebooks left"

    def report() -> None:
        print(f"notebook {page}: started; {left()}", flush=True)
        while not done.wait(20):
            print(f"notebook {page}: running for {time.monotonic() - started:.0f} s; {left()}", flush=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print(f"notebook {page}: stopped after {time.monotonic() - started:.0f} s", flush=True)
