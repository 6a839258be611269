"""Recorded runs: what takes longer than a page may, run by ``make record NAME=...`` and committed as one JSON.

A record is made by the page's own code: the cells tagged ``define`` are executed, and the function that
``records/plan.yml`` names is called once for every combination of settings there. The page later reads the record
with `load`, which refuses one that was made by other code than the page now shows.
"""

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Markdown, display

from llm_finetuning import BookError, artifacts, provenance

FOLDER = Path(__file__).parent / "records"


class RecordError(BookError):
    """A record is missing, unknown or out of date; the message says what to do."""


def load(name: str, function: Callable[..., Any] | None = None) -> pd.DataFrame:
    """Show the label of record ``name`` and return it: a row per run, columns for settings and results.

    ``function`` is the page's function that made it; a page that quotes another page's record names none, because
    that page holds it up. Raises RecordError when there is no such record or the page's code has changed since.
    """
    record = _read(name)
    if function and record["code"] != artifacts.page_code(function):
        raise RecordError(
            f"Record {name!r} was made by another {function.__name__}() than this page shows: "
            f"repeat it with `make record NAME={name}`."
        )
    minutes = sum(run["wall_seconds"] for run in record["runs"]) / 60
    display(
        Markdown(
            f"**Recorded**, not run here: {len(record['runs'])} runs, {minutes:.0f} min on one thread "
            f"({record['machine']}), {record['date']}"
            + ("" if function else f", for the page `{record['page']}`")
            + f". Repeat them with `make record NAME={name}`."
        )
    )
    return pd.DataFrame([{**run["settings"], **run["result"]} for run in record["runs"]])


def commit(name: str) -> str:
    """Return the commit at which record ``name`` was made. Raises RecordError when there is no such record."""
    return str(_read(name)["commit"])


def make(name: str, root: Path) -> Path:
    """Run record ``name`` of the book in ``root``, compare it with the committed one, and write it.

    Finished runs are kept in ``_build/records`` until all are done: after an interruption the rest is run.
    """
    plan = provenance.plan(FOLDER)
    if name not in plan:
        raise RecordError(f"Unknown record {name!r}: choose one of {', '.join(sorted(plan))}.")
    entry = plan[name]
    module = provenance.load_page(root / "book" / f"{entry['page']}.ipynb")
    function = getattr(module, entry["function"])
    code = artifacts.page_code(function)
    grid = settings_of(entry)
    progress = root / "_build" / "records" / name
    progress.mkdir(parents=True, exist_ok=True)
    runs = []
    for number, settings in enumerate(grid, 1):
        done = progress / f"{artifacts.fingerprint([code, settings])[:20]}.json"
        if not done.is_file():
            print(f"[{number}/{len(grid)}] {name}: {settings}", flush=True)
            started = time.perf_counter()
            result = function(**settings)
            run = {"settings": settings, "wall_seconds": round(time.perf_counter() - started, 1), "result": result}
            _write(done, run)
        runs.append(json.loads(done.read_text("utf-8")))
    record = {
        "page": entry["page"],
        "function": entry["function"],
        "code": code,
        **provenance.surroundings(root),
        "runs": runs,
    }
    target = FOLDER / f"{name}.json"
    if target.is_file():
        print(_distance(json.loads(target.read_text("utf-8")), record))
    _write(target, record)
    for path in progress.glob("*.json"):
        path.unlink()
    return target


def paths(page: Path) -> list[str]:
    """Return the files of the records that a page's code names, so far as they are made."""
    made = (FOLDER / f"{name}.json" for name in provenance.named(FOLDER, page))
    return [str(path) for path in made if path.is_file()]


def settings_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the settings of a plan's entry, one dict per run: of each block of its grid, every combination."""
    blocks: list[dict[str, list[Any]]] = entry["grid"]
    return [dict(zip(block, values, strict=True)) for block in blocks for values in itertools.product(*block.values())]


def _read(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise RecordError(f"There is no record {name!r} yet: make it with `make record NAME={name}`.")
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def _distance(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return a table of every number's mean in the committed record and in the new one."""
    means = {}
    for label, record in (("committed", old), ("new", new)):
        results = pd.DataFrame([run["result"] for run in record["runs"]])
        means[label] = results.select_dtypes("number").mean()
    table = pd.DataFrame(means)
    table["difference"] = table["new"] - table["committed"]
    return str(table.to_string(float_format=lambda number: f"{number:.4f}"))


def _write(path: Path, content: dict[str, Any]) -> None:
    from llm_finetuning.build import project  # a page on Colab only reads records, and needs nothing of the build

    project.write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
