"""Pages, their titles and their order follow the outline of the article."""

import nbformat
import pytest
import yaml

from llm_finetuning.build import chapters, project


@pytest.fixture(scope="module")
def outline(root):
    return yaml.safe_load((root / "book" / "outline.yml").read_text("utf-8"))


def headings(root, page):
    cells = nbformat.read(root / "book" / f"{page}.ipynb", as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    return [line.lstrip("#").strip() for line in lines if line.startswith("#")]


def missing_headings(leaves, page, found):
    return [leaf["num"] for leaf in leaves if leaf["page"] == page and f"{leaf['num']} {leaf['en']}" not in found]


def test_the_outline_is_the_shared_one(root, outline):
    shared = root.parent / "shared" / "outline.yml"
    if shared.is_file():
        assert outline == yaml.safe_load(shared.read_text("utf-8"))


def test_every_page_of_the_table_of_contents_exists(root):
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    listed = [toc["root"]] + [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    generated = {"about/glossary", "about/how-built", "about/methods", "about/results", *chapters.landings()}
    for page in set(listed) - generated:
        assert any((root / "book" / f"{page}{suffix}").is_file() for suffix in (".md", ".ipynb")), page


def test_every_notebook_is_in_the_table_of_contents(root):
    notebooks = {str(path.relative_to(root / "book").with_suffix("")) for path in (root / "book").rglob("*.ipynb")}
    assert {page for page in notebooks if ".ipynb_checkpoints" not in page} == set(project.pages())


@pytest.mark.parametrize("page", project.pages())
def test_a_page_has_the_headings_of_its_leaves(root, outline, page):
    leaves = outline["leaves"]
    assert page in {leaf["page"] for leaf in leaves}
    assert missing_headings(leaves, page, headings(root, page)) == []


def test_a_missing_heading_is_found():
    leaves = [{"num": "5.1", "en": "A", "page": "p"}]
    assert missing_headings(leaves, "p", ["5.1 B"]) == ["5.1"]


def test_pages_stand_in_the_outline_s_order(outline):
    order = [leaf["page"] for leaf in outline["leaves"]]
    positions = [order.index(page) for page in project.pages()]
    assert positions == sorted(positions)
