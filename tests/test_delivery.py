"""The style sheet keeps what is used and nothing else; figures become WebP with their size."""

import re
from pathlib import Path

import pydata_sphinx_theme
import pytest

from llm_finetuning.build import delivery, styles

KNOWN = {"html", "p", "used", "fa-rocket"}


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
        ("@font-face{font-family:F}", "@font-face{font-family:F}"),
        ("/* said */p{color:/* said */red}", "p{color:red}"),
    ],
)
def test_only_what_finds_something_is_kept(sheet, kept):
    purged = styles.purge(sheet, KNOWN).replace("\n", "")
    assert purged.startswith(kept) and bool(purged) == bool(kept)


def test_a_broken_sheet_is_refused():
    with pytest.raises(ValueError, match="line 1"):
        styles.purge("p{} }}", KNOWN)


def test_a_corner_of_a_table_heads_nothing():
    mended = delivery._mended("<tr><th></th><th class='head'><p> </p></th><th>a</th></tr>")
    assert mended == "<tr><td></td><td class='head'></td><th>a</th></tr>"


def test_the_sheet_holds_its_icons():
    """The theme's own sheet, cut to one icon: the fonts are inside and small."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    folder = theme / "static" / "styles"
    sheet = styles.purge((folder / "pydata-sphinx-theme.css").read_text("utf-8"), KNOWN)
    assert "fa-rocket" in sheet and "fa-arrow-up:" not in sheet
    fonts = re.findall("base64,([^)]*)", styles.with_icons(sheet, folder))
    assert len(fonts) == 3 and max(map(len, fonts)) < 10_000
