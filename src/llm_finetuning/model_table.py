"""The book's table of language models: what papers and model cards publish, every figure with its source.

``data/models.json`` has an object for each model. A figure is an object with ``value``, ``stated`` (the figure as its
source writes it, a product where the source gives only the factors), ``source`` (an address) and ``read``:
``original`` when that source itself was read, ``quoted`` when it was read as others reproduce or quote it. Null means
that no source was found that states it. ``K`` is a thousand, also in context lengths. A ``note`` says what else one has
to know, also where a source that was read rounds a figure that another one is only quoted with.
"""

import json
from importlib.resources import files
from typing import Any

import pandas as pd

FIGURES = ("parameters", "active_parameters", "training_tokens", "context_length", "training_flops")


def read() -> list[dict[str, Any]]:
    """Return the models as the file has them, oldest first, with the source of every figure."""
    models: list[dict[str, Any]] = json.loads((files("llm_finetuning") / "data" / "models.json").read_text("utf-8"))
    return models


def load() -> pd.DataFrame:
    """Return the values alone: a row for each model, indexed by name, NaN where a figure is not published.

    Columns: ``organisation``, ``architecture``, ``mixture`` (of experts), ``date`` (the month's first day),
    ``open_weights``, ``link``, and those of `FIGURES`, in numbers. A model that is not a mixture has all of its
    parameters active.
    """
    rows = [
        {key: model[key] for key in ("name", "organisation", "architecture", "mixture", "link")}
        | {key: model[key]["value"] for key in ("date", "open_weights")}
        | {key: model[key]["value"] if model[key] else None for key in FIGURES}
        for model in read()
    ]
    table = pd.DataFrame(rows).set_index("name")
    table[list(FIGURES)] = table[list(FIGURES)].astype(float)
    table["date"] = pd.to_datetime(table["date"], format="%Y-%m")
    table["active_parameters"] = table["active_parameters"].where(table["mixture"], table["parameters"])
    return table
