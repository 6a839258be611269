"""GitHub's workflows follow their schema, and call only what the Makefile has."""

import re
import subprocess
import sys

import pytest

CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]


def failures(path):
    result = subprocess.run([*CHECK, str(path)], capture_output=True, text=True)
    return result.stdout + result.stderr if result.returncode else ""


@pytest.mark.parametrize("name", ["ci", "publish", "nightly"])
def test_the_workflow_is_valid(root, name):
    assert failures(root / ".github" / "workflows" / f"{name}.yml") == ""


def test_a_broken_workflow_is_found(root, tmp_path):
    text = (root / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    broken = tmp_path / "ci.yml"
    broken.write_text(text.replace("runs-on:", "runs_on:"))
    assert "runs" in failures(broken)


def test_workflows_call_targets_that_exist(root):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = set()
    for workflow in (root / ".github" / "workflows").glob("*.yml"):
        called |= set(re.findall(r"\bmake ([a-z]+)", workflow.read_text("utf-8")))
    assert called and called <= targets
    assert "make test" in (root / ".ci" / "run").read_text("utf-8")
