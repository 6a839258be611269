"""Recorded runs: made by the page's own code, stale when that changes, resumed after an interruption."""

import json

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from llm_finetuning import provenance, records

CODE = "def measure(x, seed):\n    calls.append(x)\n    return {'accuracy': x / 10, 'predictions': [x]}\n"
PLAN = {"tiny": {"page": "p", "function": "measure", "grid": [{"x": [1, 2], "seed": [7]}]}}


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of one page with one recorded run, and a list of the calls that are made."""
    (tmp_path / "book").mkdir()
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "plan.yml").write_text(yaml.safe_dump(PLAN))
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    monkeypatch.setattr(records, "display", lambda markdown: shown.append(markdown.data))
    shown = []
    write_page(tmp_path)
    return tmp_path, shown


def write_page(folder, code=CODE):
    cells = [
        new_code_cell("from builtins import __dict__ as shared\ncalls = shared.setdefault('calls', [])"),
        new_code_cell("raise RuntimeError('a cell that no record needs')"),
        new_code_cell(code),
        new_code_cell('table = load("tiny", measure)'),
    ]
    cells[0].metadata.tags = cells[2].metadata.tags = ["define"]
    nbformat.write(new_notebook(cells=cells), folder / "book" / "p.ipynb")


def page_function(folder):
    return provenance.load_page(folder / "book" / "p.ipynb").measure


@pytest.fixture
def calls():
    import builtins

    builtins.__dict__["calls"] = []
    yield builtins.__dict__["calls"]
    del builtins.__dict__["calls"]


def test_a_record_holds_every_run_and_how_it_was_made(book, calls):
    folder, shown = book
    record = json.loads(records.make("tiny", folder).read_text())
    assert [run["result"]["accuracy"] for run in record["runs"]] == [0.1, 0.2]
    assert {"code", "date", "commit", "machine", "versions"} <= set(record)
    table = records.load("tiny", page_function(folder))
    assert table[["x", "seed", "accuracy"]].to_numpy().tolist() == [[1, 7, 0.1], [2, 7, 0.2]]
    assert "**Recorded**" in shown[0] and "make record NAME=tiny" in shown[0]


def test_a_record_of_other_code_is_refused(book, calls):
    folder, _ = book
    records.make("tiny", folder)
    write_page(folder, CODE.replace("x / 10", "x / 5"))
    with pytest.raises(records.RecordError, match="make record NAME=tiny"):
        records.load("tiny", page_function(folder))


def test_an_interrupted_record_goes_on_where_it_was(book, calls, monkeypatch):
    folder, _ = book
    write = records._write
    monkeypatch.setattr(records, "_write", lambda path, run: (write(path, run), run["settings"]["x"] == 1 and 1 / 0))
    with pytest.raises(ZeroDivisionError):
        records.make("tiny", folder)
    monkeypatch.setattr(records, "_write", write)
    records.make("tiny", folder)
    assert calls == [1, 2]


def test_a_repeated_record_says_how_far_it_is_from_the_first(book, calls, capsys):
    folder, _ = book
    records.make("tiny", folder)
    records.make("tiny", folder)
    assert "difference" in capsys.readouterr().out
    assert calls == [1, 2, 1, 2]


def test_unknown_and_missing_records(book):
    folder, _ = book
    with pytest.raises(records.RecordError, match="choose one of tiny"):
        records.make("other", folder)
    with pytest.raises(records.RecordError, match="make record NAME=other"):
        records.load("other", page_function(folder))


def test_every_committed_record_is_planned_and_was_made_by_its_page(root):
    plan = yaml.safe_load((root / "src/llm_finetuning/records/plan.yml").read_text("utf-8"))
    committed = sorted((root / "src/llm_finetuning/records").glob("*.json"))
    assert {path.stem for path in committed} == set(plan)
    for path in committed:
        entry = json.loads(path.read_text("utf-8"))
        assert entry["page"] == plan[path.stem]["page"] and entry["function"] == plan[path.stem]["function"]
        assert [run["settings"] for run in entry["runs"]] == records.settings_of(plan[path.stem])


def test_another_page_may_quote_a_record(book, calls):
    folder, shown = book
    records.make("tiny", folder)
    assert records.load("tiny")["accuracy"].tolist() == [0.1, 0.2]
    assert "for the page `p`" in shown[0]


def test_a_page_depends_on_the_records_that_it_names(book, calls):
    page = book[0] / "book" / "p.ipynb"
    assert records.paths(page) == []
    records.make("tiny", book[0])
    assert [path.rpartition("/")[2] for path in records.paths(page)] == ["tiny.json"]
    page.write_text(page.read_text().replace("tiny", "other"))
    assert records.paths(page) == []
