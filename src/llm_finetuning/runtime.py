"""What every page does first: the same numbers everywhere, and nothing on the page that is not about its subject."""

import gc
import os
import warnings

import datasets
import pandas as pd
import torch
import transformers
from threadpoolctl import threadpool_limits

from llm_finetuning import plots, sources

SCALES = ("smoke", "cpu", "full")

_scale = "cpu"


def start(scale: str, source: str, seed: int) -> None:
    """Prepare a page: checked parameters, seeds, one thread, deterministic algorithms, the book's figure style.

    ``scale``: ``smoke`` runs the wiring in seconds (claims are not checked), ``cpu`` is what the book prints,
    ``full`` is for a GPU. ``source``: ``packaged`` or ``hub``. Raises ValueError, listing the valid names, for others.
    """
    global _scale
    if scale not in SCALES:
        raise ValueError(f"Unknown scale {scale!r}: choose one of {', '.join(SCALES)}.")
    sources.check_source(source)
    _scale = scale
    # One thread: sums are added in the same order on every machine, and two pages can run side by side.
    torch.set_num_threads(1)
    threadpool_limits(1)  # scikit-learn's linear algebra; a second thread would be slower where the core is taken
    torch.use_deterministic_algorithms(True, warn_only=scale == "full")
    transformers.set_seed(seed)
    transformers.logging.set_verbosity_error()
    if quiet():
        transformers.logging.disable_progress_bar()
        datasets.disable_progress_bars()
    warnings.filterwarnings("error", category=FutureWarning, module="__main__")  # a page calls nothing outdated
    # peft's call, and not the page's.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning, "transformers")
    pd.set_option("display.precision", 3, "display.max_colwidth", 100)
    plots.use_style()
    gc.freeze()  # what is imported stays: a million objects less for every collection to look at, 0.3 s each time
    gc.enable()  # the build turns it off while a page imports


def scale() -> str:
    """Return the scale that this page was started with."""
    return _scale


def quiet() -> bool:
    """Return whether progress bars stay off the page: the build shows its own progress and stores the outputs."""
    return os.environ.get("LLM_FINETUNING_BUILD") == "1"
