"""Figures that a reader can operate: a still picture, and a script that puts sliders and buttons in its place.

A page stores what its models computed; the script, plain JavaScript from the folder ``scripts``, only draws it. Both
stand in the cell's outputs, so the same figure works on the site, in JupyterLab and in Colab, and asks no other
address for anything. Where scripts do not run (GitHub, print, a browser without them) the picture stays.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from llm_finetuning import plots

SCRIPTS = Path(__file__).parent / "scripts"
WITHOUT = "This figure can be operated where scripts run: on the book's site, or when this notebook is run."


def show(kind: str, data: dict[str, Any], figure: Figure, alt: str) -> None:
    """Display ``figure`` with its description ``alt``, and the element that takes its place, with ``data`` to draw.

    ``kind`` is the name of a script; it says at its top which data it wants. Raises ValueError for an unknown kind.
    """
    if kind not in kinds():
        raise ValueError(f"Unknown kind {kind!r}: choose one of {', '.join(kinds())}.")
    plots.show(figure, alt)
    display({"text/html": element(kind, data), "text/plain": f"<{kind}, to be operated>"}, raw=True)


def element(kind: str, data: dict[str, Any]) -> str:
    """Return the element's HTML: its data and its script, whole."""
    # A "<" inside a script could end it; JSON may write the sign as a number.
    stored = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div data-touch="{kind}"><p>{WITHOUT}</p><script type="application/json">{stored}</script></div>\n'
        f"<script>\n{script(kind)}</script>"
    )


def kinds() -> list[str]:
    """Return the names of the kinds there are."""
    return sorted(path.stem for path in SCRIPTS.glob("*.js") if path.stem != "common")


def script(kind: str) -> str:
    """Return a kind's JavaScript, with the parts that all kinds have in common."""
    return "".join((SCRIPTS / f"{name}.js").read_text("utf-8") for name in ("common", kind))


def paths(page: Path) -> list[str]:
    """Return the scripts that a page's outputs carry."""
    code = page.read_text("utf-8")
    shown = [kind for kind in kinds() if f'touch.show(\\"{kind}\\"' in code]
    return [str(SCRIPTS / f"{name}.js") for name in (["common", *shown] if shown else [])]


def packed(numbers: Any, scale: float, dtype: str) -> str:
    """Return an array's values, times ``scale``, rounded, as base64 of little-endian ``u1`` or ``u2`` integers.

    Raises ValueError when a value does not fit.
    """
    whole = np.rint(np.asarray(numbers, dtype=float) * scale)
    if whole.min() < 0 or whole.max() > np.iinfo(dtype).max:
        raise ValueError(f"{whole.min():.0f} to {whole.max():.0f} does not fit into {dtype}.")
    return base64.b64encode(whole.astype(f"<{dtype}").tobytes()).decode()
