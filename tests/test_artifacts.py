"""Results are kept under everything that made them."""

import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from datasets import Dataset

from llm_finetuning import artifacts

PAGE = """
import torch
from llm_finetuning.artifacts import artifact
factor = 2
def helper(x):
    return x * factor
@artifact
def train(x, data=None):
    return {"value": helper(x), "weights": {"w": torch.ones(2, 3) * x}, "list": [1, "a", None]}
"""


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """The results that were really computed, not read."""
    results = []
    write = artifacts._write
    monkeypatch.setattr(
        artifacts, "_write", lambda result, folder: (results.append(result["value"]), write(result, folder))
    )
    return results


def page(source=PAGE):
    """A module that counts as a page."""
    import linecache

    module = types.ModuleType("llm_finetuning_page")
    name = f"<page {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), vars(module))
    return module


def test_a_second_call_reads_the_result(cache, made):
    module = page()
    first, second = module.train(3), module.train(3)
    assert made == [6]
    assert first["value"] == second["value"] == 6
    assert torch.equal(second["weights"]["w"], torch.full((2, 3), 3.0))
    assert second["list"] == [1, "a", None]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x * factor", "x * factor + 0"),  # a function that the function calls
        ("factor = 2", "factor = 3"),  # a value that it reads
        ('"list": [1', '"list": [2'),  # its own code
    ],
)
def test_what_made_the_result_changes_the_key(cache, made, old, new):
    page().train(3)
    page(PAGE.replace(old, new)).train(3)
    assert len(made) == 2


def test_comments_and_layout_do_not_change_the_key(cache, made):
    page().train(3)
    page(PAGE.replace("    return x * factor", "    # a comment\n\n    return x  *  factor")).train(3)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Dataset.from_dict({"a": [1]}), Dataset.from_dict({"a": [2]})),
        (torch.zeros(2), torch.zeros(3)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int64)),
        ({"a": 1}, {"a": 2}),
        ([1, [2]], [1, [3]]),
        (1, True),
        ("1", 1),
        (torch.nn.Linear(1, 1), torch.nn.Linear(2, 1)),
    ],
)
def test_fingerprints_tell_inputs_apart(one, other):
    assert artifacts.fingerprint(one) == artifacts.fingerprint(one)
    assert artifacts.fingerprint(one) != artifacts.fingerprint(other)


def test_a_frozen_model_is_another_input():
    model = torch.nn.Linear(2, 2)
    before = artifacts.fingerprint(model)
    model.weight.requires_grad_(False)
    assert artifacts.fingerprint(model) != before


def test_an_input_that_no_key_can_hold_is_refused(cache):
    with pytest.raises(TypeError, match="cannot hold a generator"):
        page().train(x for x in [1])


def test_another_process_finds_the_same_key():
    code = "from llm_finetuning.artifacts import fingerprint; print(fingerprint({'a': {3, 1, 2}, 'b': [1.5, 'x']}))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert printed == artifacts.fingerprint({"a": {3, 1, 2}, "b": [1.5, "x"]})


def test_two_notebooks_at_once_train_once(cache, made):
    module = page(PAGE.replace("    return {", "    import time; time.sleep(0.5)\n    return {"))
    with ThreadPoolExecutor(2) as pool:
        values = [result["value"] for result in pool.map(module.train, [5, 5])]
    assert values == [10, 10] and made == [10]


def test_a_failed_run_leaves_nothing_behind(cache):
    module = page(PAGE.replace("    return {", "    raise RuntimeError('stopped')\n    return {"))
    with pytest.raises(RuntimeError):
        module.train(3)
    assert not [path for path in cache.rglob("*") if path.is_dir() and path.name.startswith("train-")]
    assert page().train(3)["value"] == 6
