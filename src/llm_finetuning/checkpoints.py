"""The mini models: trained for an hour or two by ``make checkpoint NAME=...``, and shipped with the package.

A checkpoint is made by its page's own code: the cells tagged ``define`` are executed, and the function that
``checkpoints/plan.yml`` names is called with the settings there. Its folder is one for ``from_pretrained``, weights in
float16, and ``training.json`` beside them says what made it and what came out.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from IPython.display import Markdown, display

from llm_finetuning import BookError, artifacts, provenance

FOLDER = Path(__file__).parent / "checkpoints"
NOTE = "training.json"
LARGEST_MEGABYTES = 10


class CheckpointError(BookError):
    """A checkpoint is missing, unknown, too large or out of date; the message says what to do."""


def names() -> list[str]:
    """Return the names of all planned checkpoints."""
    return list(provenance.plan(FOLDER))


def paths(page: Path) -> list[str]:
    """Return the files of the checkpoints that a page's code names, so far as they are made."""
    return sorted(str(path) for name in provenance.named(FOLDER, page) for path in (FOLDER / name).glob("*"))


def folder(name: str) -> Path:
    """Return the folder of checkpoint ``name``. Raises CheckpointError when it has not been made."""
    if not (FOLDER / name / NOTE).is_file():
        raise CheckpointError(f"There is no checkpoint {name!r} yet: make it with `make checkpoint NAME={name}`.")
    return FOLDER / name


def load(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Show the label of checkpoint ``name`` and return the log of its training, as ``function`` returned it.

    ``function`` is the page's function that made it; `models.locate` gives the model's folder. Raises CheckpointError
    when there is no such checkpoint or the page's code has changed since.
    """
    made = json.loads((folder(name) / NOTE).read_text("utf-8"))
    if made["code"] != artifacts.page_code(function):
        raise CheckpointError(
            f"Checkpoint {name!r} was made by another {function.__name__}() than this page shows: "
            f"repeat it with `make checkpoint NAME={name}`."
        )
    display(
        Markdown(
            f"**Shipped**, not trained here: {made['seconds'] / 60:.0f} min on one thread ({made['machine']}), "
            f"{made['date']}. Repeat it with `make checkpoint NAME={name}`."
        )
    )
    log: dict[str, Any] = made["log"]
    return log


def make(name: str, root: Path) -> Path:
    """Train checkpoint ``name`` of the book in ``root`` and return its folder; an old one stays until this is whole.

    The page's function returns a dict with ``model``, ``tokenizer`` and ``log`` (what JSON can hold).
    """
    plan = provenance.plan(FOLDER)
    if name not in plan:
        raise CheckpointError(f"Unknown checkpoint {name!r}: choose one of {', '.join(sorted(plan))}.")
    entry = plan[name]
    page = provenance.load_page(root / "book" / f"{entry['page']}.ipynb")
    function = getattr(page, entry["function"])
    started = time.process_time()
    made = function(**entry["settings"])
    note = {
        "page": entry["page"],
        "function": entry["function"],
        "settings": entry["settings"],
        "code": artifacts.page_code(function),
        "seconds": round(time.process_time() - started),  # the processor's: other work on the machine does not count
        **provenance.surroundings(root),
        "log": made["log"],
    }
    partial, target = FOLDER / f".{name}.partial", FOLDER / name
    shutil.rmtree(partial, ignore_errors=True)
    made["model"].to(torch.float16).save_pretrained(partial)
    made["tokenizer"].save_pretrained(partial)
    (partial / NOTE).write_text(json.dumps(note, indent=1) + "\n", "utf-8")
    megabytes = sum(path.stat().st_size for path in partial.iterdir()) / 1e6
    if megabytes > LARGEST_MEGABYTES:
        raise CheckpointError(f"{partial} has {megabytes:.1f} MB, and a checkpoint at most {LARGEST_MEGABYTES}.")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target
