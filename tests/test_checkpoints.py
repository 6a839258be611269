"""Shipped checkpoints: made by the page's own code, refused when that changes, whole and small enough to ship."""

import json

import nbformat
import pytest
import torch
import yaml
from nbformat.v4 import new_code_cell, new_notebook
from transformers import AutoConfig, AutoModel, AutoTokenizer

from llm_finetuning import artifacts, checkpoints, models, provenance

CODE = """
def train(width, seed):
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=4, n_positions=8, n_embd=width, n_layer=1, n_head=1))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a")))
    return {"model": model, "tokenizer": tokenizer, "log": {"losses": [2.0, 1.0]}}
"""
PLAN = {"tiny": {"page": "p", "function": "train", "settings": {"width": 8, "seed": 1}}}
SHIPPED = list(checkpoints.names())


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of one page with one checkpoint, and what the page shows."""
    (tmp_path / "book").mkdir()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "plan.yml").write_text(yaml.safe_dump(PLAN))
    shown = []
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path / "checkpoints")
    monkeypatch.setattr(checkpoints, "display", lambda markdown: shown.append(markdown.data))
    write_page(tmp_path)
    return tmp_path, shown


def write_page(folder, code=CODE):
    nbformat.write(
        new_notebook(cells=[new_code_cell(code, metadata={"tags": ["define"]}), new_code_cell('load("tiny", train)')]),
        folder / "book" / "p.ipynb",
    )


def page_function(folder):
    return provenance.load_page(folder / "book" / "p.ipynb").train


def test_a_checkpoint_is_a_whole_model_with_its_log(book):
    folder, shown = book
    made = checkpoints.make("tiny", folder)
    assert made == checkpoints.folder("tiny")
    assert AutoModel.from_pretrained(made).config.n_embd == 8
    assert AutoTokenizer.from_pretrained(made)("b")["input_ids"] == [1]
    assert checkpoints.load("tiny", page_function(folder)) == {"losses": [2.0, 1.0]}
    assert "**Shipped**" in shown[0] and "make checkpoint NAME=tiny" in shown[0]
    assert {"code", "date", "commit", "machine", "versions", "seconds"} <= set(
        json.loads((made / "training.json").read_text())
    )


def test_a_checkpoint_of_other_code_is_refused(book):
    folder, _ = book
    checkpoints.make("tiny", folder)
    write_page(folder, CODE.replace("n_layer=1", "n_layer=2"))
    with pytest.raises(checkpoints.CheckpointError, match="make checkpoint NAME=tiny"):
        checkpoints.load("tiny", page_function(folder))


def test_what_is_too_large_replaces_nothing(book, monkeypatch):
    folder, _ = book
    checkpoints.make("tiny", folder)
    monkeypatch.setattr(checkpoints, "LARGEST_MEGABYTES", 0.001)
    with pytest.raises(checkpoints.CheckpointError, match="at most"):
        checkpoints.make("tiny", folder)
    assert AutoModel.from_pretrained(checkpoints.folder("tiny")).config.n_embd == 8


def test_unknown_and_missing_checkpoints(book):
    folder, _ = book
    with pytest.raises(checkpoints.CheckpointError, match="choose one of tiny"):
        checkpoints.make("other", folder)
    with pytest.raises(checkpoints.CheckpointError, match="make checkpoint NAME=tiny"):
        checkpoints.load("tiny", page_function(folder))


def test_a_page_depends_on_the_checkpoints_that_it_names(book):
    folder, _ = book
    page = folder / "book" / "p.ipynb"
    assert checkpoints.paths(page) == []
    checkpoints.make("tiny", folder)
    assert "training.json" in {path.rpartition("/")[2] for path in checkpoints.paths(page)}
    page.write_text(page.read_text().replace("tiny", "other"))
    assert checkpoints.paths(page) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_checkpoint_loads_and_is_its_page_s(name, root):
    folder = checkpoints.folder(name)
    made = json.loads((folder / "training.json").read_text("utf-8"))
    entry = provenance.plan(checkpoints.FOLDER)[name]
    assert {key: made[key] for key in entry} == entry
    page = provenance.load_page(root / "book" / f"{entry['page']}.ipynb")
    assert made["code"] == artifacts.page_code(getattr(page, entry["function"]))
    with safetensors_of(folder) as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.float16}  # noqa: SIM118
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())
    assert len(AutoTokenizer.from_pretrained(folder)) == AutoConfig.from_pretrained(folder).vocab_size


def test_the_chinese_training_begins_with_the_logged_losses(root):
    """What its page shows live for the English one. The schedule's first 50 steps are warm-up, however many follow."""
    made = json.loads((models.locate("mini-bert-zh") / "training.json").read_text("utf-8"))
    page = provenance.load_page(root / "book" / f"{made['page']}.ipynb")
    lines = page.lines_of("zh", "train")
    tokenizer = page.train_tokenizer(lines)
    _, losses = page.pretrain(page.token_stream(lines, tokenizer), tokenizer, 50, made["settings"]["seed"])
    assert losses == pytest.approx(made["log"]["first_losses"], abs=0.02)


def safetensors_of(folder):
    from safetensors import safe_open

    return safe_open(folder / "model.safetensors", "pt")


def test_what_is_shipped_stays_small(root):
    """Every file that the package carries, against its limits: 10 MB a checkpoint, 50 MB in all."""
    package = root / "src" / "llm_finetuning"
    for name in SHIPPED:
        assert sum(path.stat().st_size for path in (package / "checkpoints" / name).iterdir()) <= 10e6, name
    assert sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) < 50e6


def test_everything_that_is_stored_is_planned(root):
    stored = {path.name for path in (root / "src/llm_finetuning/checkpoints").iterdir() if path.is_dir()}
    assert stored == set(SHIPPED)
