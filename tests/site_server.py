"""The built site on a loopback port, and where its pages are; shared by the site's and the browser's tests."""

import functools
import http.server
import threading
from contextlib import contextmanager
from pathlib import Path

from llm_finetuning.build import translation

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"genindex.html", "search.html"}


def html_pages():
    """The pages of the site as paths below its root."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return sorted(str(path) for path in found if not path.parts[0].startswith("_") and path.name not in GENERATED)


def browsed_pages():
    """The pages that the browser opens one by one: all in English, and the Chinese ones that are translated."""
    root = HTML.parents[1]

    def translated(path):
        page = path.removeprefix("zh/").removesuffix(".html")
        catalogue = translation.catalogue(root, "zh_CN", page)
        return bool(translation.translations(translation.read(catalogue, "zh_CN")))

    return [path for path in html_pages() if not path.startswith("zh/") or translated(path)]


@contextmanager
def serving():
    """Serve the site and yield its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
