"""The exercises' solutions run: after all cells of their page, at scale "smoke"."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from llm_finetuning.build import notebooks, project

SOLUTION = re.compile(r"<details>.*?</details>", re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def solutions(notebook):
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [code for text in texts for solution in SOLUTION.findall(text) for code in CODE.findall(solution)]


@pytest.mark.parametrize("page", project.pages())
def test_solutions_run(page, tmp_path):
    notebook = nbformat.read(project.root() / "book" / f"{page}.ipynb", as_version=4)
    found = solutions(notebook)
    assert found, f"{page} has no exercise with a solution that runs"
    notebook.cells += [new_code_cell(code) for code in found]
    nbformat.write(notebook, tmp_path / "page.ipynb")
    notebooks.execute(page, tmp_path / "executed.ipynb", scale="smoke", source=tmp_path / "page.ipynb")


def test_a_wrong_solution_is_found(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[new_code_cell("raise ValueError('wrong')")])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, Path(tmp_path / "page.ipynb"))
    with pytest.raises(SystemExit, match="wrong"):
        notebooks.execute("sample", tmp_path / "executed.ipynb", source=tmp_path / "page.ipynb")
