"""Every page starts in the same state."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from llm_finetuning import runtime


@pytest.mark.parametrize(
    ("scale", "source", "valid"), [("huge", "packaged", "smoke, cpu, full"), ("smoke", "web", "packaged, hub")]
)
def test_an_unknown_name_lists_the_valid_ones_and_changes_nothing(scale, source, valid):
    with pytest.raises(ValueError, match=valid):
        runtime.start(scale, source, 0)
    assert runtime.scale() == "cpu"


def test_a_page_is_seeded_and_runs_on_one_thread():
    drawn = []
    for seed in (1, 1, 2):
        runtime.start("smoke", "packaged", seed)
        drawn.append((torch.rand(1).item(), np.random.rand()))  # noqa: NPY002 - what libraries draw from
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
    assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert runtime.scale() == "smoke"


def test_an_outdated_call_on_a_page_is_an_error():
    # A process of its own: there, as in a notebook, the page is __main__.
    code = """
import warnings
from llm_finetuning import runtime
runtime.start("smoke", "packaged", 0)
warnings.warn("goes away", FutureWarning)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode and "FutureWarning: goes away" in result.stderr


def test_the_build_keeps_progress_bars_off_the_page(monkeypatch):
    monkeypatch.setenv("LLM_FINETUNING_BUILD", "1")
    assert runtime.quiet()
    monkeypatch.delenv("LLM_FINETUNING_BUILD")
    assert not runtime.quiet()
