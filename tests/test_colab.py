"""Colab, played: an empty environment with only Jupyter and torch, and the notebook alone in an empty folder."""

import os
import shutil
import subprocess
import sys
import venv

import pytest

from llm_finetuning.build import project


@pytest.fixture(scope="session")
def colab(tmp_path_factory, root):
    """An environment like a fresh Colab machine's, and what the notebook's first cell may install from."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    clone = folder / "clone"  # what is committed, so that nothing of this checkout's surroundings is used
    shutil.copytree(root, clone, ignore=shutil.ignore_patterns("_build", ".venv", ".git", ".snakemake", "*.egg-info"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL"))}
    environment |= {
        "PIP_CONSTRAINT": str(root / "requirements.lock"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "LLM_FINETUNING_PACKAGE": str(clone),
        "HF_HUB_OFFLINE": "1",
    }
    if os.environ.get("LLM_FINETUNING_NEWEST") == "1":
        del environment["PIP_CONSTRAINT"]
    jupyter = [str(python), "-m", "pip", "install", "--quiet", "ipykernel", "ipywidgets", "papermill", "torch"]
    subprocess.run(jupyter, env=environment, check=True)
    return python, environment


def test_the_environment_begins_without_the_helper(colab):
    python, environment = colab
    result = subprocess.run([python, "-c", "import transformers"], env=environment, capture_output=True, text=True)
    assert "No module named 'transformers'" in result.stderr


@pytest.mark.parametrize("page", project.pages())
def test_a_page_alone_installs_what_it_needs_and_runs(colab, root, tmp_path, page):
    python, environment = colab
    shutil.copy(root / "book" / f"{page}.ipynb", tmp_path / "page.ipynb")
    command = [str(python), "-m", "papermill", "page.ipynb", "out.ipynb", "--kernel", "python3", "--no-progress-bar"]
    command += ["--parameters", "scale", "smoke"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    where = "import llm_finetuning; print(llm_finetuning.__file__)"
    installed = subprocess.run(
        [python, "-c", where], env=environment, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert str(python.parent.parent) in installed
    assert str(sys.prefix) not in installed
