"""A notebook reads right in Colab, on GitHub, in JupyterLab and on the site."""

import copy
import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from llm_finetuning.build import project

DIRECTIVE = re.compile(r"^(```\{|:::)|\{[a-z:]+\}`", re.MULTILINE)
MACHINE = re.compile(r"/(home|root|Users|tmp|work|content)/|[A-Z]:\\\\")


def tags(cell):
    return set(cell.metadata.get("tags", []))


def faults(notebook):
    """Every rule of portable pages that a notebook breaks."""
    cells = notebook.cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = []

    def rule(holds, name):
        if not holds:
            found.append(name)

    setup = project.SETUP_CELL.format(repository=project.declared_repository())
    rule(cells[0].source == setup and "remove-cell" in tags(cells[0]), "set-up cell")
    parameters = [cell for cell in code if "parameters" in tags(cell)]
    names = [re.findall(r"^(\w+) =", cell.source, re.MULTILINE) for cell in parameters]
    rule(names == [["scale", "source", "seed"]], "parameters cell")
    rule(not DIRECTIVE.search(text), "directive")
    rule("![](" not in text, "picture without description")
    rule(set(notebook.metadata) == {"kernelspec", "language_info"}, "notebook metadata")
    rule(all(set(cell.metadata) <= {"tags"} for cell in cells), "cell metadata")
    rule([cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "not run in order")
    rule(all(len(cell.source.splitlines()) <= 30 for cell in code), "long cell")
    rule(text.count("<details>") >= 3 and text.count("<details>") == text.count("</details>"), "exercises")
    rule(len(json.dumps(notebook)) < 1_000_000, "large file")
    for cell in code:
        for item in cell.outputs:
            rule(item.output_type != "error", "error output")
            rule(item.get("name") != "stderr", "stderr output")
            rule(
                not MACHINE.search(json.dumps({k: v for k, v in item.get("data", {}).items() if "image" not in k})),
                "path",
            )
            rule(not MACHINE.search(item.get("text", "")), "path")
            if "image/png" in item.get("data", {}):
                rule(item.metadata.get("image/png", {}).get("alt", ""), "figure without description")
    return found


def read(root, page):
    return nbformat.read(root / "book" / f"{page}.ipynb", as_version=4)


@pytest.mark.parametrize("page", project.pages())
def test_the_page_is_portable(root, page):
    assert faults(read(root, page)) == []


def add_output(notebook, **output):
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs.append(new_output(**output))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda nb: nb.cells.pop(0), "set-up cell"),
        (lambda nb: [cell.metadata.update(tags=[]) for cell in nb.cells], "parameters cell"),
        (lambda nb: nb.cells.append(new_markdown_cell("```{note}\nx\n```")), "directive"),
        (lambda nb: nb.cells.append(new_markdown_cell("see {ref}`x`")), "directive"),
        (lambda nb: nb.metadata.update(papermill={}), "notebook metadata"),
        (lambda nb: nb.cells[3].metadata.update(execution={}), "cell metadata"),
        (lambda nb: nb.cells.append(new_code_cell("1")), "not run in order"),
        (lambda nb: nb.cells.append(new_code_cell("1\n" * 31)), "long cell"),
        (lambda nb: nb.cells.append(new_markdown_cell("<details>")), "exercises"),
        (lambda nb: nb.cells.append(new_markdown_cell("x" * 1_000_000)), "large file"),
        (lambda nb: add_output(nb, output_type="error", ename="E", evalue="", traceback=[]), "error output"),
        (lambda nb: add_output(nb, output_type="stream", name="stderr", text="w"), "stderr output"),
        (lambda nb: add_output(nb, output_type="stream", name="stdout", text="/root/x"), "path"),
        (lambda nb: add_output(nb, output_type="display_data", data={"image/png": "x"}), "figure without description"),
    ],
)
def test_every_rule_can_fail(root, change, rule):
    notebook = copy.deepcopy(read(root, project.pages()[0]))
    change(notebook)
    assert rule in faults(notebook)
