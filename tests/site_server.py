"""The built site on a loopback port, and where its pages are; shared by the site's and the browser's tests."""

from pathlib import Path

from llm_finetuning.build import server

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"genindex.html", "search.html"}


def html_pages():
    """The pages of the site as paths below its root."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return sorted(str(path) for path in found if not path.parts[0].startswith("_") and str(path) not in GENERATED)


def serving():
    """Serve the site and yield its address."""
    return server.serving(HTML)
