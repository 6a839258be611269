"""Figures carry their description and are the same every time."""

import base64
import itertools

import matplotlib.pyplot as plt
import pytest
from matplotlib.text import Text

from llm_finetuning import plots


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr("llm_finetuning.plots.display", lambda data, metadata, raw: calls.append((data, metadata)))
    yield calls
    plt.close("all")


def draw():
    plots.use_style()
    figure, ax = plt.subplots()
    ax.plot([1, 2, 3])
    return figure


def test_the_picture_carries_its_description_and_is_closed(shown):
    plots.show(draw(), "A line that rises.")
    data, metadata = shown[0]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == "A line that rises."
    assert not plt.get_fignums()


def test_the_same_figure_gives_the_same_file_and_names_no_version(shown):
    for _ in range(2):
        plots.show(draw(), "A line that rises.")
    assert shown[0] == shown[1]
    assert b"atplotlib" not in base64.b64decode(shown[0][0]["image/png"])


@pytest.mark.parametrize("alt", ["", " \n"])
def test_a_figure_without_description_is_refused(shown, alt):
    with pytest.raises(ValueError, match="alt text"):
        plots.show(draw(), alt)
    assert not shown


def labels(points):
    plots.use_style()
    _, ax = plt.subplots()
    ax.scatter(*zip(*points.values(), strict=True))
    return ax, plots.label_points(ax, points)


def test_names_of_crowded_points_do_not_lie_over_each_other(shown):
    crowded = {f"model number {i}": (i / 10, 0.0) for i in range(12)}
    ax, failed = labels(crowded)
    boxes = [Text.get_window_extent(text) for text in ax.texts]
    assert failed == 0
    assert [text.get_text() for text in ax.texts] == list(crowded)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_names_without_room_are_counted(shown):
    _, failed = labels({"x" * 200: (0.0, 0.0), "y": (1.0, 1.0)})
    assert failed == 1
