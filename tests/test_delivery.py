"""The style sheet keeps what is used and nothing else; figures become WebP with their size."""

import gzip
import json
import re
import urllib.request
from pathlib import Path

import docutils.core
import pydata_sphinx_theme
import pytest
from pygments.styles import get_style_by_name
from pygments.token import Text
from sphinx.highlighting import PygmentsBridge

from llm_finetuning.build import delivery, discovery, lighthouse, project, server, styles

KNOWN = {"html", "p", "root", "used", "fa-rocket", "--read"}


def test_names_come_from_pages_and_scripts():
    found = styles.names(['<p class="a b" id="c">word</p>'], ['element.classList.add("d-e")'])
    assert {"p", "a", "b", "c", "d-e"} <= found
    assert "word" not in found


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        (".used{color:red}", ".used{color:red}"),
        (".unused{color:red}", ""),
        ("#unused p{color:red}", ""),
        ("p .used,.unused p{color:red}", "p .used{color:red}"),
        ('html[data-theme="dark"] p:not(.unused)::before{color:red}', 'html[data-theme="dark"] p:not(.unused)::before'),
        ("@media print{.unused{color:red}}", ""),
        ("@media print{.used{color:red}}", "@media print{.used{color:red}"),
        ('@import "../basic.css";p{color:red}', "p{color:red}"),
        ("@font-face{font-family:F}", "@font-face{font-family:F}"),
        ("/* said */p{color:/* said */red}", "p{color:red}"),
        ("p{--unused:1px;color:red; --read: 2px}", "p{color:red;--read: 2px}"),
        (":root{--unused:1px}", ""),
        ('p{--unused:url("data:;}");color:red}', "p{color:red}"),
    ],
)
def test_only_what_finds_something_is_kept(sheet, kept):
    purged = styles.purge(sheet, KNOWN).replace("\n", "")
    assert purged.startswith(kept) and bool(purged) == bool(kept)


def test_variables_are_those_that_something_reads():
    sheets = ["p{--a:1px;--b:2px;--c:3px;margin:var( --a,var(--d))}"]
    assert styles.variables(sheets, ["style.setProperty('--c', 1)", '<p style="--e:1">']) == {
        "--a",
        "--c",
        "--d",
        "--e",
    }


def test_a_broken_sheet_is_refused():
    with pytest.raises(ValueError, match="line 1"):
        styles.purge("p{} }}", KNOWN)


def test_a_corner_of_a_table_heads_nothing():
    mended = delivery._mended("<tr><th></th><th class='head'><p> </p></th><th>a</th></tr>")
    assert mended == "<tr><td></td><td class='head'></td><th>a</th></tr>"


def highlighted(code, language):
    bridge = PygmentsBridge("html", "a11y-high-contrast-light")
    bridge.formatter = delivery.PlainCode
    return bridge.highlight_block(code, language)


def test_code_has_no_elements_around_what_has_no_colour():
    html = highlighted("import torch\nx = f(1)  # two", "python")
    assert re.findall('<span class="([^"]+)">([^<]+)', html) == [
        ("kn", "import"),
        ("o", "="),
        ("mi", "1"),
        ("c1", "# two"),
    ]
    assert re.sub("<[^>]+>", "", html).rstrip() == "import torch\nx = f(1)  # two"


def test_code_says_how_large_it_is():
    assert '<code style="--lines:2;--columns:15">' in highlighted("import torch\nx = f(1)  # two", "python")
    assert '<code style="--lines:1;--columns:9">' in highlighted("微调 ok🤗", "none")


@pytest.mark.parametrize("style", ["a11y-high-contrast-light", "a11y-high-contrast-dark"])
def test_what_has_no_colour_of_its_own_is_like_other_text(style):
    known = get_style_by_name(style)
    assert {known.style_for_token(kind)["color"] for kind in delivery.UNCOLOURED} == {
        known.style_for_token(Text)["color"]
    }


def test_a_page_knows_its_theme_before_it_is_drawn():
    template = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "layout.html"
    mended = delivery._mended(template.read_text("utf-8").replace("{{ default_mode }}", "auto"))
    assert "prefers-color-scheme" in mended


def test_the_sheet_holds_its_icons():
    """The theme's own sheet, cut to one icon: the fonts are inside and small."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    folder = theme / "static" / "styles"
    sheet = styles.purge((folder / "pydata-sphinx-theme.css").read_text("utf-8"), KNOWN)
    assert "fa-rocket" in sheet and "fa-arrow-up:" not in sheet
    fonts = re.findall("base64,([^)]*)", styles.with_icons(sheet, folder))
    assert len(fonts) == 3 and max(map(len, fonts)) < 10_000


def lighthouse_run(performance, paint):
    scores = {name: {"score": 1.0} for name in lighthouse.SCORES} | {"performance": {"score": performance}}
    audits = {audit: {"numericValue": 0.0} for audit, _ in lighthouse.MEASURES.values()}
    return {"categories": scores, "audits": audits | {"largest-contentful-paint": {"numericValue": paint}}}


def test_lighthouse_is_summed_up_by_medians_and_shown(tmp_path):
    assert lighthouse.section(tmp_path) == []
    row = lighthouse.summary([lighthouse_run(*values) for values in ((0.9, 1500), (0.97, 1700), (1.0, 9000))])
    assert (row["performance"], row["seo"], row["paint_seconds"]) == (97, 100, 1.7)
    result = {"version": "v", "date": "d", "runs": 3, "rows": [{"page": "p", "form": "mobile", **row}]}
    (tmp_path / "book" / "about").mkdir(parents=True)
    (tmp_path / "book" / "about" / "lighthouse.json").write_text(json.dumps(result))
    assert "| p | mobile | 97 | 100 | 100 | 100 | 1.7 | 0.00 | 0 |" in lighthouse.section(tmp_path)


def falls_short(row):
    """What the book promises of its pages: of a score of 100 no point less, but of speed on a phone."""
    scores = all(row[name] == 100 for name in lighthouse.SCORES if (name, row["form"]) != ("performance", "mobile"))
    return not (scores and row["performance"] >= 95 and row["paint_seconds"] < 2 and row["shift"] < 0.1)


def test_what_lighthouse_measured_last_is_of_pages_there_are_and_keeps_the_promise(root):
    rows = json.loads((root / "book" / "about" / "lighthouse.json").read_text("utf-8"))["rows"]
    assert {row["page"] for row in rows} <= set(project.listed()), "run `make lighthouse`"
    assert [row for row in rows if falls_short(row)] == []
    for change in ({"seo": 99}, {"performance": 94}, {"paint_seconds": 2.1}, {"shift": 0.2}):
        assert falls_short(rows[0] | change)


@pytest.mark.parametrize("letters", ["word " * 60, "字" * 300])
def test_a_description_is_short(letters):
    page = docutils.core.publish_doctree(f"{letters.strip()}\n\nMore.")
    text = discovery.description(page)
    assert 100 <= len(text) <= discovery.LENGTH and text.endswith("…")


def test_the_sitemap_lists_the_pages(tmp_path):
    (tmp_path / "math").mkdir()
    for name in ("index.html", "math/a.html"):
        (tmp_path / name).write_text("")
    discovery.write_sitemap(tmp_path)
    text = (tmp_path / "sitemap.xml").read_text()
    assert f"<loc>{discovery.address()}</loc>" in text and f"<loc>{discovery.address()}math/a.html</loc>" in text


def test_the_server_compresses(tmp_path):
    (tmp_path / "a.html").write_text("text " * 1000)
    with server.serving(tmp_path) as address:
        request = urllib.request.Request(f"{address}/a.html", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as answer:
            assert gzip.decompress(answer.read()) == b"text " * 1000
        with urllib.request.urlopen(f"{address}/a.html") as answer:
            assert answer.read() == b"text " * 1000


@pytest.mark.parametrize(("error", "said"), [(ConnectionResetError, False), (ValueError, True)])
def test_a_browser_that_leaves_is_no_error_of_the_server(tmp_path, capsys, error, said):
    with server._Server(("127.0.0.1", 0), server._Handler) as quiet:
        try:
            raise error
        except error:
            quiet.handle_error(None, ("127.0.0.1", 1))
    assert bool(capsys.readouterr().err) == said


def test_a_root_needs_a_sign_that_no_text_has():
    root, plain = "<math><msqrt><mi>n</mi></msqrt></math>", "<math><mi>n</mi></math>"
    assert styles.signs([plain]) == {ord("n"), 0x1D45B}
    assert styles.signs([plain, root]) == {ord("n"), 0x1D45B, ord("√")}
