"""The built site on a loopback port, and where its pages are; shared by the site's and the browser's tests."""

from pathlib import Path

from llm_finetuning.build import server

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"404.html", "genindex.html", "search.html"}


def html_pages(edition=""):
    """The pages of an edition, the English one if none is named, as paths below the root of the site."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    found = (path.relative_to(HTML) for path in (HTML / edition).rglob("*.html"))
    kept = (path for path in found if path.name not in GENERATED and (edition or path.parts[0] != "zh"))
    return sorted(str(path) for path in kept if not any(part.startswith("_") for part in path.parts))


def serving():
    """Serve the site and yield its address."""
    return server.serving(HTML)
