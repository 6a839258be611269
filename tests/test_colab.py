"""Colab, played: an empty environment with only Jupyter and torch, and the notebook alone in an empty folder.

After the page's own cells the solutions of its exercises run, which are code inside its text.
"""

import os
import re
import shutil
import subprocess
import sys
import venv

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from llm_finetuning.build import notebooks, project

SOLUTION = re.compile(r"<details>.*?</details>", re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


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
        **notebooks.ONE_THREAD,
        **notebooks.kernel_profile(folder / "ipython"),
        "PIP_CONSTRAINT": str(root / "requirements.lock"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # most of what is installed is never imported
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


def solutions(notebook):
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [code for text in texts for solution in SOLUTION.findall(text) for code in CODE.findall(solution)]


def run(colab, notebook, folder):
    """Execute a notebook at scale "smoke", alone in ``folder``; fail when a cell fails or complains."""
    python, environment = colab
    nbformat.write(notebook, folder / "page.ipynb")
    command = notebooks.papermill(python, folder / "page.ipynb", folder / "out.ipynb")
    command += ["--parameters", "scale", "smoke"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    said = notebooks.complaints(nbformat.read(folder / "out.ipynb", as_version=4))
    assert [text for number, text in said if number] == []  # cell 0 installs: pip may say much


@pytest.mark.parametrize("page", project.pages())
def test_a_page_alone_installs_what_it_needs_and_runs_with_its_solutions(colab, root, tmp_path, page):
    notebook = nbformat.read(root / "book" / f"{page}.ipynb", as_version=4)
    found = solutions(notebook)
    assert found, f"{page} has no exercise with a solution that runs"
    notebook.cells += [new_code_cell(code) for code in found]
    run(colab, notebook, tmp_path)
    python, environment = colab
    where = "import llm_finetuning; print(llm_finetuning.__file__)"
    installed = subprocess.run(
        [python, "-c", where], env=environment, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert str(python.parent.parent) in installed
    assert str(sys.prefix) not in installed


@pytest.mark.parametrize("code", ["raise ValueError('wrong')", "import warnings\nwarnings.warn('wrong')"])
def test_a_wrong_solution_is_found(colab, tmp_path, code):
    notebook = new_notebook(cells=[new_code_cell("first = 1"), new_code_cell(code)])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    with pytest.raises(AssertionError, match="wrong"):
        run(colab, notebook, tmp_path)
