"""A Sphinx extension: what a browser gets is small, comes in few pieces and stays in place while it loads."""

import hashlib
import os
import re
import shutil
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from docutils import nodes
from PIL import Image
from pygments.formatters import HtmlFormatter
from pygments.token import Name, Punctuation, Text, Whitespace
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.transforms.post_transforms.images import BaseImageConverter

from llm_finetuning.build import styles

SHEET, FONT = "_static/site.css", "_static/maths.woff"
# In this order: Sphinx's, which theme.css imports, the theme's own; the others register themselves.
THEME_SHEETS = ["_static/basic.css", "_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css"]
UNUSED_SCRIPTS = ("thebe", "design-tabs")
UNCOLOURED = {Name, Name.Namespace, Punctuation, Whitespace}  # of code: both themes draw them like other text


class PlainCode(HtmlFormatter):  # type: ignore[misc]
    """Highlighted code without elements around what has no colour of its own: half of a long page's elements.

    It says how many lines and columns it has: a browser knows its size without laying it out, and does so late.
    """

    def __init__(self, **options: Any) -> None:
        """Take Pygments' options; the lines stand in ``<pre><code>``, so that the code can be larger than its box."""
        super().__init__(**options, wrapcode=True)

    def format_unencoded(self, tokensource: Any, outfile: Any) -> None:
        """Write the tokens, pairs of a kind and a text, as HTML."""
        tokens = [(Text if kind in UNCOLOURED else kind, text) for kind, text in tokensource]
        lines = "".join(text for _, text in tokens).split("\n")
        self._size = f"--lines:{len(lines) - 1};--columns:{max(map(_columns, lines))}"
        super().format_unencoded(tokens, outfile)

    def _wrap_code(self, inner: Any) -> Any:
        yield 0, f'<code style="{self._size}">'
        yield from inner
        yield 0, "</code>"


def _columns(line: str) -> int:
    """Return how many columns a line takes: signs of Chinese and emoji take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


class WebP(BaseImageConverter):
    """Figures as lossless WebP, half the bytes of a PNG, with their size and when to load them."""

    default_priority = 200

    def match(self, node: nodes.image) -> bool:
        """Take the site's own PNG files."""
        return bool(
            self.app.builder.format == "html" and node["uri"].endswith(".png") and "?" not in node["candidates"]
        )

    def handle(self, node: nodes.image) -> None:
        """Convert one, and note its size and whether it opens the page: a later one waits until it is near."""
        source = node["uri"]
        name = Path(self.env.images[source][1]).with_suffix(".webp").name
        target = Path(self.imagedir) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(Path(self.app.srcdir) / source) as picture:
            node["pixels"] = picture.size
            picture.save(target, lossless=True, method=4)
        node["opening"] = _depth(node) == 1
        node["uri"] = str(target)
        node["candidates"] = {"*": str(target)}
        self.env.images.add_file(self.env.docname, str(target))


def _depth(node: nodes.Node) -> int:
    """Return the number of sections that a node stands in."""
    return 0 if node.parent is None else isinstance(node.parent, nodes.section) + _depth(node.parent)


def _image(writer: Any, node: nodes.image) -> None:
    type(writer).visit_image(writer, node)
    if "pixels" in node:
        width, height = node["pixels"]
        loading = "" if node["opening"] else ' loading="lazy"'
        writer.body[-1] = writer.body[-1].replace(
            "<img ", f'<img width="{width}" height="{height}" decoding="async"{loading} ', 1
        )


def _image_end(writer: Any, node: nodes.image) -> None:
    type(writer).depart_image(writer, node)


def _one_sheet(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Leave out the sheets that are joined after the build, and scripts that no page uses; scripts wait."""
    app.env.site_sheets = [  # type: ignore[attr-defined]
        unquote(os.fspath(sheet.filename)) for sheet in context["css_files"]
    ]
    context["css_files"] = []
    context["script_files"] = [script for script in context["script_files"] if not _unused(script)]
    for script in context["script_files"]:
        # documentation_options.js stays in front: a script inside the page uses it while the page is read.
        if script.filename and "documentation_options" not in os.fspath(script.filename):
            script.attributes["defer"] = "defer"
            if page == "search":  # its own script needs the others at once; the object is shared by all pages
                del script.attributes["defer"]


def _unused(script: Any) -> bool:
    return any(name in f"{script} {getattr(script, 'attributes', '')}".lower() for name in UNUSED_SCRIPTS)


def _join_sheets(app: Sphinx, failure: Exception | None) -> None:
    if failure or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html") if "_static" not in path.parts}
    scripts = [path.read_text("utf-8") for path in (site / "_static").rglob("*.js") if path.name != "fontawesome.js"]
    sheets = [site / name for name in [*THEME_SHEETS, *app.env.site_sheets]]  # type: ignore[attr-defined]
    texts = [sheet.read_text("utf-8") for sheet in sheets]
    known = styles.names(pages.values(), scripts) | styles.variables(texts, [*pages.values(), *scripts])
    joined = "".join(styles.purge(text, known) for text in texts)
    joined = styles.with_icons(joined, site / "_static" / "styles")
    (site / SHEET).write_text(joined, "utf-8")
    version = hashlib.sha256(joined.encode()).hexdigest()[:8]
    (site / FONT).write_bytes(styles.maths_font(pages.values()))
    for path, text in pages.items():
        if "<math" in text:  # asked for at once, so that it is there when the formulas are drawn
            font = Path(os.path.relpath(site / FONT, path.parent)).as_posix()
            preload = f'<link rel="preload" href="{font}" as="font" type="font/woff" crossorigin>\n'
            text = text.replace("</head>", f"{preload}</head>", 1)
        path.write_text(_mended(text).replace(f'{SHEET}"', f'{SHEET}?v={version}"'), "utf-8")
    for path in [*sheets, site / "_static" / "scripts" / "fontawesome.js"]:
        path.unlink()
        path.with_name(path.name + ".map").unlink(missing_ok=True)
    shutil.rmtree(site / "_static" / "vendor")  # the whole icon fonts


def _mended(page: str) -> str:
    """Return the page with what the theme and pandas leave out.

    For those who hear a page instead of seeing it: what heads nothing, and the menu as a part to jump to. For those
    who come first: light or dark is known when the page is drawn, not after it, when all of it must be drawn again,
    and the pictures of a closed menu are not fetched before the page is shown.
    """
    page = page.replace(
        'localStorage.getItem("theme") || "auto"',
        'localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    )
    page = re.sub(r'<img (?=[^>]*src="[^"]*/images/logo_)', '<img loading="lazy" ', page)
    # The corner of a table heads nothing.
    page = re.sub(r"<th( [^>]*)?>\s*(?:<p>\s*</p>\s*)?</th>", r"<td\1></td>", page)
    # The sidebar with the book's title and menu is a part of the page that one can jump to.
    return page.replace('<div id="pst-primary-sidebar" ', '<div id="pst-primary-sidebar" role="complementary" ')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the figures' conversion, the form of code and the hooks around pages and build."""
    PygmentsBridge.html_formatter = PlainCode
    app.add_post_transform(WebP)
    app.add_node(nodes.image, override=True, html=(_image, _image_end))
    app.connect("html-page-context", _one_sheet, priority=950)  # after everyone who adds sheets and scripts
    app.connect("build-finished", _join_sheets, priority=950)  # the theme writes its colours of code there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
