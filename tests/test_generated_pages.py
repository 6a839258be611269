"""The pages that the build makes itself: results, chapters, and the one for a missing address."""

import urllib.error
import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from llm_finetuning import results as shown
from llm_finetuning.build import chapters, discovery, missing, project, results, server

ROW = dict.fromkeys(shown.FIELDS) | {"task": "T", "model": "M", "metric": "F1", "value": 0.5, "low": 0.4, "high": 0.61}
PAGE = "applications/text-classification"
MADE = {"page": PAGE, "runs": 2, "minutes": 61.5, "date": "2026-11-28", "machine": "Z", "commit": "abc"}


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A book of one executed page with a live and a recorded result, beside other outputs."""
    monkeypatch.setattr(project, "pages", lambda: [PAGE])
    data = {"text/markdown": "| |", shown.MIME: [ROW, ROW | {"record": "t5-starts", "trainable": 4279872}]}
    cell = new_code_cell("1", outputs=[new_output("stream", text="x"), new_output("display_data", data=data)])
    for folder in ("_build/executed", "book"):
        path = tmp_path / folder / f"{PAGE}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(new_notebook(cells=[new_markdown_cell("# 6.3 Title"), cell, new_code_cell("2")]), path)
    return tmp_path


def test_results_are_collected_with_page_evidence_and_commit(executed):
    live, recorded = results.collect(executed, "head-commit")["results"]
    assert (live["page"], live["evidence"], live["commit"]) == (PAGE, "live", "head-commit")
    assert recorded["evidence"] == "recorded" and recorded["commit"] not in ("", "head-commit")
    assert {**live, "record": None}.items() >= ROW.items()


def test_recorded_runs_and_checkpoints_are_all_listed(executed, root):
    found = results.collect(executed, "c")
    files = (root / "src/llm_finetuning/records").glob("*.json")
    assert [entry["name"] for entry in found["records"]] == sorted(path.stem for path in files)
    assert {"mini-bert", "mini-gpt"} <= {entry["name"] for entry in found["checkpoints"]}
    for entry in found["records"] + found["checkpoints"]:
        assert entry["minutes"] > 0 and entry["commit"] and entry["machine"] and entry["date"] and entry["page"]


def test_the_page_of_results_shows_them(executed):
    found = results.collect(executed, "c") | {"records": [MADE | {"name": "r"}], "checkpoints": []}
    text = results.markdown(executed, found)
    assert "## 6.3 Title\n\n[6.3 Title](../applications/text-classification.ipynb)" in text
    assert "| T | M | F1 | 0.500 | 0.400 to 0.610 |  |  | live | c |" in text
    assert "|  | 4,279,872 | recorded: t5-starts |" in text
    assert f"| r | 2 | 62 | 2026-11-28 | Z | abc | [6.3 Title](../{PAGE}.ipynb) |" in text


def test_a_book_without_results_has_the_page_too(executed):
    text = results.markdown(executed, {"results": [], "records": [], "checkpoints": []})
    assert text.startswith("# Results\n") and "6.3" not in text and "## Recorded runs" in text


def test_the_file_of_results_stands_in_every_edition(tmp_path):
    sites = [tmp_path / "en", tmp_path / "en" / "zh"]
    for folder in [tmp_path / "_build", *sites]:
        folder.mkdir(parents=True)
    results.write(tmp_path, {"results": [ROW]}, sites)
    assert len({(folder / "results.json").read_text() for folder in [tmp_path / "_build", *sites]}) == 1


def test_what_a_page_leans_on_is_read_from_its_introduction(tmp_path):
    cells = ["# 1 A", "Why?\n\nIt leans on [b](../y/b.ipynb#z), [c](c.ipynb) and [c](c.ipynb), not [d](https://d.d)."]
    notebook = new_notebook(cells=[new_code_cell("setup"), *map(new_markdown_cell, cells)])
    notebook.cells += [new_code_cell("1"), new_markdown_cell("See [e](e.ipynb).")]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    paragraphs = chapters.introduction(tmp_path / "a.ipynb")
    assert paragraphs[0] == "Why?"
    assert chapters.leans_on("x/a", paragraphs) == ["y/b", "x/c"]


def test_the_picture_shows_and_says_who_leans_on_whom():
    titles = {"x/a": "1.1 A", "x/b": "1.2 B & C", "x/c": "1.3 C", "y/d": "2.1 D"}
    picture = chapters.picture(["x/a", "x/b", "x/c"], {"x/a": ["x/c"], "x/b": [], "x/c": ["x/a", "y/d"]}, titles)
    assert picture.count("<rect ") == 3 and picture.count('class="head"') == 1  # a page leans on earlier ones
    assert 'aria-label="1.1 A; 1.2 B &amp; C; 1.3 C ← 1.1 A, 2.1"' in picture
    assert "<text" in picture and "← 2.1</text>" in picture
    assert "\n\n" not in picture  # a blank line would end the HTML in Markdown


def test_every_chapter_has_a_landing_page_but_the_first_which_is_one_page():
    shown = [page for pages in chapters.landings().values() for page in pages]
    assert ["background/rise", *shown] == project.pages()


def test_addresses_of_the_missing_page_start_at_the_root():
    page = '<a href="a/b.html"><script src="./_static/x.js"><html data-content_root="./"><a href="#top"><a href="/z">'
    page += '<a href="https://x.org"><img src="data:image/png;base64,x"><p title="a">'
    rooted = missing.rooted(page, "/book/")
    for part in ('href="/book/a/b.html"', 'src="/book/_static/x.js"', 'content_root="/book/"', 'href="#top"'):
        assert part in rooted
    assert 'href="/z"' in rooted and 'href="https://x.org"' in rooted and 'src="data:' in rooted
    assert discovery.address().endswith(missing.prefix())


def test_the_server_answers_as_github_pages(tmp_path):
    (tmp_path / "404.html").write_text("not here")
    (tmp_path / "a.html").write_text("here")
    with server.serving(tmp_path) as address:
        for path in ("/a.html", f"{missing.prefix()}a.html"):
            with urllib.request.urlopen(address + path) as answer:
                assert answer.read() == b"here"
        for path in ("/b.html", "/deep/down/b.html"):
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(address + path)
            assert (error.value.code, error.value.read()) == (404, b"not here")


def test_the_sitemap_leaves_the_missing_page_out(tmp_path):
    for name in ("index.html", "404.html"):
        (tmp_path / name).write_text("")
    discovery.write_sitemap(tmp_path)
    assert "404" not in (tmp_path / "sitemap.xml").read_text()
