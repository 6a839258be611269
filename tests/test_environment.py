"""One source of truth for the environment: pyproject.toml; the lock and environment.yml agree with it."""

import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def requirements(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    listed = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in listed]


def locked(root):
    lines = (root / "requirements.lock").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): pin for name, pin in pins.items()}


def unlocked(requirements, pins):
    """What is asked for and not locked, or locked at a version that is not asked for."""
    return [
        str(r)
        for r in requirements
        if r.name != "pip" and not r.specifier.contains(pins.get(canonicalize_name(r.name), "0.dev0"), prereleases=True)
    ]


newest = pytest.mark.skipif(os.environ.get("LLM_FINETUNING_NEWEST") == "1", reason="runs with the newest releases")


@newest
def test_everything_asked_for_is_locked(root):
    assert unlocked(requirements(root), locked(root)) == []


def test_a_gap_in_the_lock_would_be_found():
    asked = [Requirement("torch>=2.6"), Requirement("numpy>=2")]
    assert unlocked(asked, {"torch": "2.5.0"}) == ["torch>=2.6", "numpy>=2"]


@newest
def test_torch_is_pinned(root):
    assert locked(root)["torch"] == "2.13.0"


@newest
def test_this_environment_is_the_locked_one(root):
    different = {}
    for name, pin in locked(root).items():
        try:
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:  # another platform's
            continue
        if installed != pin:
            different[name] = f"{installed} installed, {pin} locked"
    assert different == {}


def test_conda_gets_its_packages_from_the_other_two_files(root):
    environment = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    python, pip, through_pip = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert through_pip == {"pip": ["-c requirements.lock", "-e .[book,test]"]}


def test_one_python(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    for workflow in (root / ".github" / "workflows").glob("*.yml"):
        assert set(re.findall(r'python-version: "(.+)"', workflow.read_text("utf-8"))) == {"3.11"}


def test_readme_citation_and_project_name_one_repository(root):
    address = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
    owner, name = address.removeprefix("https://github.com/").split("/")
    assert f"https://{owner}.github.io/{name}/" in (root / "README.md").read_text("utf-8")
    assert yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))["repository-code"] == address


def test_modules_stay_compiled_where_the_environment_says_otherwise(root):
    command = ["make", "--silent", "--eval=printed: ; @env", "printed"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    printed = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    assert "PYTHONUNBUFFERED=1" in printed
    assert "PYTHONDONTWRITEBYTECODE" not in printed
