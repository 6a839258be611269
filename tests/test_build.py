"""Executing, comparing and storing pages: what differs is found, what fails leaves the old file."""

import html
import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from llm_finetuning.build import notebooks, sphinx_extension


def sample(*cells):
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return notebook


def write(notebook, path):
    nbformat.write(notebook, path)
    return path


def stored(text, tags=(), source="print(1)"):
    notebook = sample(source)
    notebook.cells[0].outputs = [new_output("stream", name="stdout", text=text)]
    notebook.cells[0].metadata.tags = list(tags)
    return notebook


def test_another_output_is_a_difference(tmp_path):
    one, other = write(stored("1"), tmp_path / "a.ipynb"), write(stored("2"), tmp_path / "b.ipynb")
    assert notebooks.differences(one, one) == []
    assert len(notebooks.differences(one, other)) == 1


def test_another_source_is_a_difference(tmp_path):
    one = write(stored("1"), tmp_path / "a.ipynb")
    other = write(stored("1", source="print(2 - 1)"), tmp_path / "b.ipynb")
    assert notebooks.differences(one, other)


def test_a_cell_of_another_kind_is_a_difference(tmp_path):
    one, other = stored("1"), stored("1")
    other.cells[0] = new_markdown_cell("print(1)")
    assert notebooks.differences(write(one, tmp_path / "a.ipynb"), write(other, tmp_path / "b.ipynb"))


def test_outputs_that_nbval_ignores_may_differ(tmp_path):
    one = write(stored("1", ["nbval-ignore-output"]), tmp_path / "a.ipynb")
    other = write(stored("2", ["nbval-ignore-output"]), tmp_path / "b.ipynb")
    assert notebooks.differences(one, other) == []


def test_a_run_leaves_no_trace_of_time_and_place(tmp_path):
    source = write(sample("print(1)"), tmp_path / "in.ipynb")
    executed = nbformat.read(notebooks.execute("p", tmp_path / "out.ipynb", source=source), as_version=4)
    assert set(executed.metadata) == {"kernelspec", "language_info"}
    assert executed.cells[0].metadata == {} and executed.cells[0].outputs[0].text == "1\n"


def test_what_a_run_takes_is_measured(tmp_path):
    code = "import time, numpy\nstarted = time.process_time()\nfull = numpy.ones(30_000_000)\n"
    code += "while time.process_time() < started + 2: pass"
    source = write(sample(code), tmp_path / "in.ipynb")
    notebooks.execute("p", tmp_path / "out.ipynb", source=source, measured=tmp_path / "measured.json")
    took = json.loads((tmp_path / "measured.json").read_text())
    assert took["processor_seconds"] > 2 and took["seconds"] > 2 and took["peak_megabytes"] > 240


def test_a_kernel_collects_no_garbage_until_the_page_has_started(tmp_path):
    code = "import gc\nbefore = gc.isenabled()\nfrom llm_finetuning import runtime\n"
    code += "runtime.start('smoke', 'packaged', 1)\nprint(before, gc.isenabled())"
    source = write(sample(code), tmp_path / "in.ipynb")
    executed = nbformat.read(notebooks.execute("p", tmp_path / "out.ipynb", source=source), as_version=4)
    assert executed.cells[0].outputs[0].text == "False True\n"


def test_the_users_own_profile_has_no_part_in_a_page(tmp_path, monkeypatch):
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("mine = 1\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    source = write(sample("print('mine' in globals(), 'gc' in globals())"), tmp_path / "in.ipynb")
    executed = nbformat.read(notebooks.execute("p", tmp_path / "out.ipynb", source=source), as_version=4)
    assert executed.cells[0].outputs[0].text == "False False\n"


def test_a_print_that_arrives_in_pieces_is_stored_as_one():
    notebook = stored("1")
    notebook.cells[0].outputs += [new_output("stream", name="stdout", text="2"), new_output("display_data")]
    notebook.cells[0].outputs += [new_output("stream", name=name, text="3") for name in ("stdout", "stderr")]
    notebooks.clean(notebook)
    assert [item.get("text") for item in notebook.cells[0].outputs] == ["12", None, "3", "3"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ValueError('planted')", "planted"),
        ("import sys; print('careful', file=sys.stderr)", "prints to stderr"),
        ("from llm_finetuning.checks import check\ncheck('one', 1, equals=2)", "no longer holds"),
    ],
)
def test_a_failing_page_says_why_and_leaves_the_old_one(tmp_path, source, message):
    target = tmp_path / "out.ipynb"
    target.write_text("old")
    with pytest.raises(SystemExit, match=message):
        notebooks.execute("p", target, source=write(sample(source), tmp_path / "in.ipynb"))
    assert target.read_text() == "old"
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    "latex",
    ["a = b \\\\\nc = d", "\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}", "\\begin{cases} a \\\\ b \\end{cases}"],
)
def test_a_formula_of_two_lines_has_two_rows(latex):
    formula = sphinx_extension._render(latex, "block")
    assert formula.count("<mtr>") == 2
    assert "newline" not in formula and "<mi>&</mi>" not in formula


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"n \log n", "n log n"),
        (r"2\log_2 x", "2 log2 x"),
        (r"-\log P(x)", "−log P(x)"),
        (r"f(x)\ln\frac{a}{b}", "f(x) ln ab"),
        (r"\ln(x)", "ln(x)"),
        (r"\exp\left(\ln\exp s\right)", "exp(ln exp s)"),
        (r"a < \log b", "a<log b"),
    ],
)
def test_functions_stand_apart_from_what_they_are_of(latex, shown):
    formula = sphinx_extension._render(latex, "inline")
    text = re.sub("<[^>]*>", "", re.sub('<mspace width="0.17em" ?/>', " ", formula))
    assert html.unescape(text) == shown


def test_a_command_that_the_renderer_does_not_know_is_no_formula():
    assert "\\" not in sphinx_extension._render(r"\arg\max_k x_k", "inline")
    with pytest.raises(ValueError, match="unheardof"):
        sphinx_extension._render(r"\unheardof x", "inline")
