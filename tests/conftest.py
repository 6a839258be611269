"""What all tests share."""

from pathlib import Path

import pytest

from llm_finetuning import runtime


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no way to the reader's own."""
    monkeypatch.setenv("LLM_FINETUNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def scale_as_on_a_page(monkeypatch):
    monkeypatch.setattr(runtime, "_scale", "cpu")


@pytest.fixture(scope="session")
def root():
    return Path(__file__).parents[1]
