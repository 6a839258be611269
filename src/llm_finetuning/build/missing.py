"""A Sphinx extension: the page that GitHub Pages shows for an address that the site does not have, 404.html.

It is shown at whatever depth the missing address has, so that every address in it is the site's own, from the root.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from sphinx.application import Sphinx

from llm_finetuning.build import discovery, project

NAME = "404"
RELATIVE = re.compile(r'(\s(?:href|src|action|data-content_root)=")(?![a-z]+:|[/#"])(?:\./)?')


def prefix() -> str:
    """Return the path at which GitHub Pages serves the site, with slashes around it."""
    return urlsplit(discovery.address()).path


def rooted(page: str, prefix: str) -> str:
    """Return the HTML of a page at the site's root with its relative addresses made absolute."""
    return RELATIVE.sub(lambda found: found[1] + prefix, page)


def _offer(app: Sphinx, config: Any) -> None:
    if config.language == "en":  # one page for the whole site: it speaks both languages
        config.html_additional_pages[NAME] = f"{NAME}.html"


def _fill(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if page != NAME:
        return
    toc = yaml.safe_load((project.root() / "_toc.yml").read_text("utf-8"))
    context["chapters"] = [(part["caption"], part["chapters"][0]["file"]) for part in toc["parts"]]
    context["metatags"] = '<meta name="robots" content="noindex" />'
    for other in context.get("other_editions", []):
        other["address"] = other["address"].replace(NAME, "index")


def _root(app: Sphinx, failure: Exception | None) -> None:
    path = Path(app.outdir) / f"{NAME}.html"
    if not failure and app.builder.format == "html" and path.is_file():
        path.write_text(rooted(path.read_text("utf-8"), prefix()), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the page and the hooks that fill it and root its addresses."""
    app.connect("config-inited", _offer)
    app.connect("html-page-context", _fill, priority=960)  # after the editions' switch and the descriptions
    app.connect("build-finished", _root, priority=960)  # after the style sheets are joined
    return {"parallel_read_safe": True, "parallel_write_safe": True}
