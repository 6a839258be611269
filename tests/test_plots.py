"""Figures carry their description and are the same every time."""

import matplotlib.pyplot as plt
import pytest

from llm_finetuning import plots


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr("llm_finetuning.plots.display", lambda data, metadata, raw: calls.append((data, metadata)))
    return calls


def draw():
    plots.use_style()
    figure, ax = plt.subplots()
    ax.plot([1, 2, 3])
    return figure


def test_the_picture_carries_its_description_and_is_closed(shown):
    plots.show(draw(), "A line that rises.")
    data, metadata = shown[0]
    assert data["image/png"] and metadata["image/png"]["alt"] == "A line that rises."
    assert not plt.get_fignums()


def test_the_same_figure_gives_the_same_file(shown):
    for _ in range(2):
        plots.show(draw(), "A line that rises.")
    assert shown[0] == shown[1]


def test_a_figure_without_description_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        plots.show(draw(), " ")
    plt.close("all")
