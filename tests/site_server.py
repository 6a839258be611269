"""The built site on a loopback port, and where its pages are; shared by the site's and the browser's tests."""

from pathlib import Path

from llm_finetuning.build import lighthouse, server

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"404.html", "genindex.html", "search.html"}


def html_pages(edition=""):
    """The pages of an edition, the English one if none is named, as paths below the root of the site."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    return [Path(edition, f"{page}.html").as_posix() for page in lighthouse.site_pages(HTML / edition)]


def serving():
    """Serve the site and yield its address."""
    return server.serving(HTML)
