"""A Sphinx extension: what search engines and other people's posts say of a page, and the list of all pages."""

import html
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.application import Sphinx

from llm_finetuning.build import project

LENGTH = 160  # what search engines show


def address() -> str:
    """Return where GitHub Pages serves the repository's site, with a slash at the end."""
    owner, name = project.repository().rstrip("/").split("/")[-2:]
    return f"https://{owner.lower()}.github.io/{name}/"


def description(doctree: nodes.document) -> str:
    """Return the page's first paragraph, cut to what is shown."""
    texts = (" ".join(paragraph.astext().split()) for paragraph in doctree.findall(nodes.paragraph))
    text = next((text for text in texts if len(text) >= 20), "")
    if len(text) <= LENGTH:
        return text
    cut = text[: LENGTH - 1]
    words = cut.rpartition(" ")[0]
    return (words if len(words) > LENGTH // 2 else cut) + "…"  # Chinese has no spaces to cut at


def _describe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    text = description(doctree) if doctree else app.config.html_title
    shared = {
        "og:type": "article" if doctree else "website",
        "og:site_name": app.config.html_title,
        "og:title": app.env.titles[page].astext() if page in app.env.titles else app.config.html_title,
        "og:description": text,
        "og:image": f"{address()}_static/landing.png",
    }
    lines = [f'<meta name="description" content="{html.escape(text)}" />']
    lines += [f'<meta property="{name}" content="{html.escape(value)}" />' for name, value in shared.items()]
    context["metatags"] = "\n    ".join([context.get("metatags", ""), *lines])


def write_sitemap(site: Path) -> None:
    """Write sitemap.xml, with every page of the built site."""
    found = (path for path in site.rglob("*.html") if "_static" not in path.parts and path.name != "404.html")
    pages = sorted(str(path.relative_to(site)) for path in found)
    lines = [f"  <url><loc>{escape(address() + page.removesuffix('index.html'))}</loc></url>" for page in pages]
    opening = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    (site / "sitemap.xml").write_text(
        "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', opening, *lines, "</urlset>", ""]), "utf-8"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook around pages."""
    app.connect("html-page-context", _describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
