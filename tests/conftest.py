"""What all tests share."""

from pathlib import Path

import datasets
import huggingface_hub
import pytest
from playwright.sync_api import sync_playwright
from site_server import serving

from llm_finetuning import runtime
from llm_finetuning.build import lighthouse

FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no way to the reader's own."""
    monkeypatch.setenv("LLM_FINETUNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A function that puts files where the hub's client keeps what it has downloaded, and no way to the hub itself."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")

    def deliver(kind, hub_id, revision="main"):
        """Return the folder to fill with the repository's files."""
        repository = tmp_path / "hub" / f"{kind}s--{hub_id.replace('/', '--')}"
        commit = "0" * 40
        (repository / "refs" / revision).parent.mkdir(parents=True)
        (repository / "refs" / revision).write_text(commit)
        (repository / "snapshots" / commit).mkdir(parents=True)
        return repository / "snapshots" / commit

    return deliver


@pytest.fixture(autouse=True)
def scale_as_on_a_page(monkeypatch):
    monkeypatch.setattr(runtime, "_scale", "cpu")


@pytest.fixture(scope="session")
def root():
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def browser():
    path = lighthouse.browser()
    assert path, "No Chromium found. Install it (Debian and Ubuntu: apt-get install chromium) and run again."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address():
    with serving() as address:
        yield address
