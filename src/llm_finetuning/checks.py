"""Claims that the build holds up."""

import numpy as np
from IPython.display import Markdown, display

from llm_finetuning import runtime


def check(
    claim: str,
    value: float | bool,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    equals: float | None = None,
    tolerance: float | None = None,
    source: str | None = None,
) -> None:
    """Show ``claim`` with a tick, or fail the page.

    ``value`` is a measured number held against ``at_least``, ``at_most`` or ``equals`` (within the absolute
    ``tolerance``), or a bool. ``source`` is the address of a published figure behind the bound. The rendered line
    names the bounds and not the value: it reads the same on every processor. Raises AssertionError when the claim
    does not hold (NaN never does), ValueError when nothing was asked of a number or a tolerance has no ``equals``.
    At scale "smoke" nothing is claimed.
    """
    if tolerance is not None and equals is None:
        raise ValueError(f"check({claim!r}) has a tolerance around nothing: give equals.")
    bounds = []
    holds = True
    if at_least is not None:
        bounds.append(f"at least {_number(at_least)}")
        holds = holds and value >= at_least
    if at_most is not None:
        bounds.append(f"at most {_number(at_most)}")
        holds = holds and value <= at_most
    if equals is not None:
        bounds.append(_number(equals) + (f" ± {_number(tolerance)}" if tolerance else ""))
        holds = holds and abs(value - equals) <= (tolerance or 0)
    if not bounds:
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"check({claim!r}, {value!r}) says nothing: give at_least, at_most or equals.")
        holds = bool(value)
    text = claim + (f" — {' and '.join(bounds)}" if bounds else "")
    if runtime.scale() == "smoke":
        display(Markdown(f"– not checked at scale smoke: {text}"))
        return
    if not holds:
        raise AssertionError(f"This no longer holds: {text} (measured: {value}).")
    display(Markdown(f"✓ {text}" + (f" ([source]({source}))" if source else "")))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
