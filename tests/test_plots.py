"""Figures carry their description and are the same every time."""

import base64

import matplotlib.pyplot as plt
import pytest

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
