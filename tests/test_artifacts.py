"""Results are kept under everything that made them."""

import functools
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer, BertConfig, BertModel

from llm_finetuning import artifacts, models, runtime

PAGE = """
import functools
from dataclasses import dataclass
import numpy as np
import torch
from llm_finetuning.artifacts import artifact

factor = 2
offset = 1

def helper(x, plus=offset):
    return x * factor + plus

class Base:
    def half(self, x):
        return x / 2

class Model(Base):
    layers = 3

    @classmethod
    def double(cls, x):
        return x * 2

@dataclass
class Settings:
    rate: float = 0.1

def closed(value):
    return lambda x: x + value

add = closed(4)

@artifact
def train(x, data=None):
    print("training")
    Settings(), Model.double(x), add(x)
    return {"value": helper(x), "weights": {"w": torch.ones(2, 3) * x}, "list": [1, "a", None, (2.5, True)]}
"""


@pytest.fixture
def page(tmp_path, cache):
    """A function that makes a module which counts as a page."""

    def load(*changes):
        source = PAGE
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        path = tmp_path / f"page_{abs(hash(source))}.py"
        path.write_text(source)
        module = type(sys)("llm_finetuning_page")
        exec(compile(source, str(path), "exec"), vars(module))
        return module

    return load


def trained(capsys):
    """How often something was really computed since the last time this was asked."""
    return capsys.readouterr().out.count("training")


def test_a_second_call_reads_the_result(page, capsys):
    first, second = page().train(3), page().train(3)
    assert trained(capsys) == 1
    for result in (first, second):
        assert result["value"] == 7 and result["list"] == [1, "a", None, [2.5, True]]
        assert torch.equal(result["weights"]["w"], torch.full((2, 3), 3.0))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x * factor", "x * factor + 0"),  # a function that the function calls
        ("factor = 2", "factor = 3"),  # a value that it reads
        ("offset = 1", "offset = 2"),  # the default of a function that it calls
        ('"list": [1', '"list": [2'),  # its own code
        ("x * 2", "x * 3"),  # a class's method
        ("layers = 3", "layers = 4"),  # a class's attribute
        ("x / 2", "x / 4"),  # a base class
        ("rate: float = 0.1", "rate: float = 0.2"),  # a dataclass, whose generated methods have no source
        ("x + value", "x - value"),  # a closure's code
        ("closed(4)", "closed(5)"),  # what it closes over
    ],
)
def test_what_made_the_result_changes_the_key(page, capsys, old, new):
    page().train(3)
    page((old, new)).train(3)
    assert trained(capsys) == 2


def test_an_argument_and_the_scale_change_the_key(page, capsys, monkeypatch):
    page().train(3)
    page().train(4)
    page().train(3, data=[1])
    monkeypatch.setattr(runtime, "_scale", "full")
    page().train(3)
    assert trained(capsys) == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return x * factor", "    # a comment\n\n    return x  *  factor"),
        ("factor = 2", "value = unused = factor = 2"),  # `value` is an attribute or a key there, not this variable
    ],
)
def test_comments_layout_and_unread_variables_do_not_change_the_key(page, capsys, old, new):
    page().train(3)
    page((old, new)).train(3)
    assert trained(capsys) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Dataset.from_dict({"a": [1]}), Dataset.from_dict({"a": [2]})),
        (torch.zeros(2), torch.zeros(3)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int64)),
        (np.array(["a", None], dtype=object), np.array(["b", None], dtype=object)),
        ({"a": 1}, {"a": 2}),
        ({"a": {}, "b": 1}, {"a": {"b": 1}}),
        ([{1}, 2], [{1, 2}]),
        ([1, [2]], [1, [3]]),
        (1, True),
        ("1", 1),
        (torch.nn.Linear(1, 1), torch.nn.Linear(2, 1)),
        (functools.partial(max, 1), functools.partial(max, 2)),
    ],
)
def test_fingerprints_tell_inputs_apart(one, other):
    assert artifacts.fingerprint(one) == artifacts.fingerprint(one)
    assert artifacts.fingerprint(one) != artifacts.fingerprint(other)


def test_weights_freezing_and_configuration_tell_models_apart():
    sizes = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
    prints = []
    for heads in (2, 4):  # the same weights in all respects but how they are used
        torch.manual_seed(0)
        model = BertModel(BertConfig(**sizes, num_attention_heads=heads))
        prints.append(artifacts.fingerprint(model))
    model.pooler.requires_grad_(False)
    prints.append(artifacts.fingerprint(model))
    model.pooler.dense.bias.data[0] += 1
    prints.append(artifacts.fingerprint(model))
    assert len(set(prints)) == 4


def test_using_a_tokenizer_does_not_change_it():
    tokenizer = AutoTokenizer.from_pretrained(models.locate("encoder"))
    before = artifacts.fingerprint(tokenizer)
    tokenizer(["a", "b c"], truncation=True, max_length=3, padding=True)
    assert artifacts.fingerprint(tokenizer) == before
    tokenizer.add_tokens(["[NEW]"])
    assert artifacts.fingerprint(tokenizer) != before


def test_a_path_counts_by_what_it_holds(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text("1")
    first, second = (artifacts.fingerprint(tmp_path / name) for name in ("one", "two"))
    assert first == second
    (tmp_path / "two" / "weights").write_text("2")
    assert artifacts.fingerprint(tmp_path / "two") != first
    files = [artifacts.fingerprint(tmp_path / name / "weights") for name in ("one", "two")]
    assert files[0] != files[1]


def test_an_input_that_no_key_can_hold_is_refused(page):
    with pytest.raises(TypeError, match="cannot hold a generator"):
        page().train(x for x in [1])


@pytest.mark.parametrize("result", ["{1: 2}", "np.zeros(1)", "{'a': [object()]}"])
def test_a_result_that_cannot_be_kept_is_refused(page, cache, result):
    with pytest.raises(TypeError, match="result cannot hold"):
        page(("    return {", f"    return {result}\n    return {{")).train(3)
    assert not kept(cache)


@pytest.mark.parametrize("change", ["data.append(1)", "global factor; factor = 5"])
def test_a_function_that_changes_the_page_is_refused(page, cache, change):
    module = page(('    print("training")', f"    {change}"))
    with pytest.raises(RuntimeError, match="changed an argument or a variable"):
        module.train(3, [])
    assert not kept(cache)


def test_the_page_s_random_numbers_are_the_same_before_and_after_the_result_is_kept(page):
    draw = ("    Settings()", "    return torch.rand(2).tolist() + np.random.rand(1).tolist()\n    Settings()")
    results, after = [], []
    for seed in (1, 1, 2):
        runtime.start("cpu", "packaged", seed)
        results.append(page(draw).train(seed))
        after.append((random.random(), np.random.rand(), torch.rand(1).item()))  # noqa: NPY002
    assert results[0] == results[1] == results[2]
    assert after[0] == after[1] != after[2]


def kept(cache):
    return [path for path in cache.rglob("*") if path.is_dir() and path.name.startswith(("train-", ".train-"))]


def process(tmp_path, code, source=PAGE):
    (tmp_path / "llm_finetuning_page.py").write_text(source)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": "random"}
    command = [sys.executable, "-c", f"import llm_finetuning_page as page\n{code}"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


SLOW = PAGE.replace('    print("training")', '    import time\n    print("training", flush=True)\n    time.sleep(1.5)')


def test_two_processes_train_once_under_the_same_key(tmp_path, cache):
    data = "{'set': {'x', 'y', 'z'}, 'f': torch.softmax, 'model': torch.nn.Identity(), 'n': [1.5, None]}"
    code = f"import torch; print(page.train(3, {data})['value'])"
    processes = [process(tmp_path, code, SLOW) for _ in range(2)]
    printed = "".join(process.communicate(timeout=60)[0] for process in processes).split()
    assert sorted(printed) == ["7", "7", "training"]
    assert len(kept(cache)) == 1


def test_a_killed_run_leaves_nothing_behind(tmp_path, cache):
    killed = process(tmp_path, "page.train(3)", SLOW)
    assert killed.stdout.readline() == "training\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    started = time.monotonic()
    assert process(tmp_path, "print(page.train(3)['value'])", SLOW).communicate(timeout=60)[0] == "training\n7\n"
    assert time.monotonic() - started < 30  # nobody waits for the dead one's lock
    assert len(kept(cache)) == 1


def test_a_failed_run_leaves_nothing_behind(page, cache):
    failing = page(("    return {", "    raise OSError(13, 'Permission denied', 'elsewhere')\n    return {"))
    with pytest.raises(OSError, match="elsewhere"):
        failing.train(3)
    assert not kept(cache)
