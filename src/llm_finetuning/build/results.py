"""What the book measured, for machines and for people: ``results.json``, and the page that shows it.

The rows are what pages display with `llm_finetuning.results.show`; beside them stand the recorded runs and the shipped
checkpoints.
"""

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat

from llm_finetuning import checkpoints, records
from llm_finetuning.build import project
from llm_finetuning.results import MIME

FILE = "results.json"
PAGE = "about/results"


def collect(root: Path, commit: str) -> dict[str, list[dict[str, Any]]]:
    """Return the pages' results, the recorded runs and the shipped checkpoints; ``commit`` is that of live results."""
    return {
        "results": [row for page in project.pages() for row in rows(root, page, commit)],
        "records": sorted(map(_record, records.FOLDER.glob("*.json")), key=itemgetter("name")),
        "checkpoints": sorted(
            map(_checkpoint, checkpoints.FOLDER.glob(f"*/{checkpoints.NOTE}")), key=itemgetter("name")
        ),
    }


def rows(root: Path, page: str, commit: str) -> list[dict[str, Any]]:
    """Return the results that an executed page shows, each with its page, its kind of evidence and its commit."""
    notebook = nbformat.read(project.executed(root, page), as_version=4)
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [
        {
            **row,
            "page": page,
            "evidence": "recorded" if row["record"] else "live",
            "commit": records.commit(row["record"]) if row["record"] else commit,
        }
        for output in outputs
        for row in output.get("data", {}).get(MIME, [])
    ]


def _record(path: Path) -> dict[str, Any]:
    record = json.loads(path.read_text("utf-8"))
    return {
        "name": path.stem,
        "page": record["page"],
        "runs": len(record["runs"]),
        "minutes": round(sum(run["wall_seconds"] for run in record["runs"]) / 60, 1),
        **{key: record[key] for key in ("date", "machine", "commit")},
    }


def _checkpoint(path: Path) -> dict[str, Any]:
    note = json.loads(path.read_text("utf-8"))
    return {
        "name": path.parent.name,
        "page": note["page"],
        "minutes": round(note["seconds"] / 60, 1),
        **{key: note[key] for key in ("date", "machine", "commit")},
    }


def write(root: Path, found: dict[str, list[dict[str, Any]]], sites: list[Path]) -> None:
    """Write the file into ``_build``, and beside the front page of every built site."""
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    for folder in [root / "_build", *sites]:
        (folder / FILE).write_text(text, "utf-8")


def markdown(root: Path, found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the page that shows what was collected."""
    lines = [
        "# Results",
        "",
        "Every headline number of the book, as its page shows it: what the page measured itself when this site was "
        "built (live), and what a command of the repository has recorded. Each interval is one of 95 %.",
        "",
        f'<p><a href="../{FILE}">{FILE}</a></p>',
        "",
    ]
    for page in project.pages():
        if shown := [row for row in found["results"] if row["page"] == page]:
            lines += [f"## {project.title(root, page)}", "", link(root, page), ""]
            lines += _table(
                ("task", "model", "metric"),
                ("value", "95 % interval", "seconds", "trainable weights"),
                ("evidence", "commit"),
                [_cells(row) for row in shown],
            )
    lines += ["## Recorded runs", "", "`make record NAME=...` repeats one of them.", ""]
    lines += _made(root, found["records"], ("runs", "minutes"))
    lines += ["## Shipped checkpoints", "", "`make checkpoint NAME=...` trains one of them anew.", ""]
    lines += _made(root, found["checkpoints"], ("minutes",))
    return "\n".join(lines)


def link(root: Path, page: str, known: dict[str, str] | None = None) -> str:
    """Return the Markdown of a link to a page, under its title, or under the translation in ``known``."""
    title = project.title(root, page)
    return f"[{(known or {}).get(title, title)}](../{page}.ipynb)"


def _cells(row: dict[str, Any]) -> list[str]:
    digits = 3 if row["high"] <= 1 else 1
    value, low, high = (f"{row[key]:.{digits}f}" for key in ("value", "low", "high"))
    return [
        *(row[key] for key in ("task", "model", "metric")),
        value,
        f"{low} to {high}",
        "" if row["seconds"] is None else f"{row['seconds']:,.0f}",
        "" if row["trainable"] is None else f"{row['trainable']:,}",
        f"recorded: {row['record']}" if row["record"] else "live",
        row["commit"],
    ]


def _made(root: Path, entries: list[dict[str, Any]], counts: tuple[str, ...]) -> list[str]:
    cells = [
        [
            entry["name"],
            *(f"{entry[count]:,.0f}" for count in counts),
            entry["date"],
            entry["machine"],
            entry["commit"],
            link(root, entry["page"]),
        ]
        for entry in entries
    ]
    return _table(("name",), counts, ("date", "machine", "commit", "page"), cells)


def _table(left: tuple[str, ...], right: tuple[str, ...], rest: tuple[str, ...], cells: list[list[str]]) -> list[str]:
    """Return a table's lines; the columns in the middle hold numbers."""
    lines = [[*left, *right, *rest], [":--"] * len(left) + ["--:"] * len(right) + [":--"] * len(rest), *cells]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
