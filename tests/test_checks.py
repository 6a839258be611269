"""Claims hold, or the page fails."""

import numpy as np
import pytest

from llm_finetuning import runtime
from llm_finetuning.checks import check


@pytest.fixture
def shown(monkeypatch):
    lines = []
    monkeypatch.setattr("llm_finetuning.checks.display", lambda markdown: lines.append(markdown.data))
    return lines


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.97, {"at_least": 0.96}),
        (0.5, {"at_most": 0.5}),
        (0.5, {"at_least": 0.4, "at_most": 0.6}),
        (22_713_216, {"equals": 22_713_216}),
        (1.01, {"equals": 1, "tolerance": 0.02}),
        (np.float32(0.97), {"at_least": 0.96}),
        (True, {}),
        (np.bool_(True), {}),
    ],
)
def test_claims_that_hold(shown, value, bounds):
    check("A claim", value, **bounds)
    assert shown[0].startswith("✓ A claim")


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.95, {"at_least": 0.96}),
        (0.51, {"at_most": 0.5}),
        (0.7, {"at_least": 0.4, "at_most": 0.6}),
        (1.03, {"equals": 1, "tolerance": 0.02}),
        (float("nan"), {"at_least": 0}),
        (float("nan"), {"at_most": 0}),
        (float("nan"), {"equals": 0, "tolerance": 1}),
        (np.float32("nan"), {"at_least": 0}),
        (22_713_217, {"equals": 22_713_216}),
        (False, {}),
    ],
)
def test_claims_that_do_not_hold_fail_the_page(shown, value, bounds):
    with pytest.raises(AssertionError, match="no longer holds"):
        check("A claim", value, **bounds)
    assert not shown


@pytest.mark.parametrize("value", [0.5, 1, 1.0, 0])
def test_a_number_without_a_bound_is_no_claim(shown, value):
    with pytest.raises(ValueError, match="says nothing"):
        check("A claim", value)


def test_a_tolerance_around_nothing_is_no_claim(shown):
    with pytest.raises(ValueError, match="give equals"):
        check("A claim", 0.5, at_least=0.4, tolerance=0.1)


@pytest.mark.parametrize(
    ("value", "bounds", "line"),
    [
        (0.9731, {"at_least": 0.96}, "✓ A claim — at least 0.96"),
        (0.9731, {"at_least": 0.96, "at_most": 1}, "✓ A claim — at least 0.96 and at most 1"),
        (0.9731, {"equals": 0.97, "tolerance": 0.01}, "✓ A claim — 0.97 ± 0.01"),
        (22_713_216, {"equals": 22_713_216}, "✓ A claim — 22,713,216"),
        (0.9731, {"at_least": 0.96, "source": "https://a.org"}, "✓ A claim — at least 0.96 ([source](https://a.org))"),
    ],
)
def test_the_line_names_bounds_and_source_and_not_what_was_measured(shown, value, bounds, line):
    check("A claim", value, **bounds)
    assert shown == [line]


def test_nothing_is_claimed_at_smoke_scale(shown, monkeypatch):
    monkeypatch.setattr(runtime, "_scale", "smoke")
    check("A claim", 0.1, at_least=0.9)
    assert shown[0].startswith("– not checked")
