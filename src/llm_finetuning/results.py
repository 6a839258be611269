"""The numbers that an application page stands by: shown as one table, and kept in the notebook for machines.

The build collects them from the executed notebooks into one file, ``results.json``, and adds the commit.
"""

from typing import Any

from IPython.display import display

from llm_finetuning import records

MIME = "application/vnd.llm-finetuning.results+json"
FIELDS = ("task", "model", "metric", "value", "low", "high", "seconds", "trainable", "record")


def show(rows: list[dict[str, Any]]) -> None:
    """Display one row per result as a table, and store the rows in the cell's output under `MIME`.

    Each row has exactly the `FIELDS`: ``task`` (data set and split, "TREC, test"), ``model``, ``metric`` (with its
    signature where it has one), ``value`` in the metric's unit, ``low`` and ``high`` (its 95 % interval),
    ``seconds`` of training and ``trainable`` weights (both None where nothing is trained by gradients), and
    ``record``: the name of the recorded run that it comes from, None for what the page itself measured. Raises
    ValueError for a row with other fields or a value outside its interval, RecordError for an unknown record.
    """
    for row in rows:
        if set(row) != set(FIELDS):
            raise ValueError(f"A result has the fields {', '.join(FIELDS)}, not {', '.join(row)}.")
        if not row["low"] <= row["value"] <= row["high"]:
            raise ValueError(f"{row['model']}: {row['value']} does not lie between {row['low']} and {row['high']}.")
        if row["record"] is not None:
            records.commit(row["record"])
    lines = [
        "| task | model | metric | value | 95 % interval | seconds | trainable weights | evidence |",
        "|:--|:--|:--|--:|:--|--:|--:|:--|",
        *(_line(row) for row in rows),
    ]
    display({"text/markdown": "\n".join(lines), MIME: rows}, raw=True)


def _line(row: dict[str, Any]) -> str:
    digits = 3 if row["high"] <= 1 else 1
    number, low, high = (f"{row[key]:.{digits}f}" for key in ("value", "low", "high"))
    seconds = "" if row["seconds"] is None else f"{row['seconds']:,.0f}"
    trainable = "" if row["trainable"] is None else f"{row['trainable']:,}"
    evidence = f"recorded: `{row['record']}`" if row["record"] else "live"
    cells = (row["task"], row["model"], row["metric"], number, f"{low} to {high}", seconds, trainable, evidence)
    return "| " + " | ".join(cells) + " |"
