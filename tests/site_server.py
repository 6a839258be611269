"""The built site on a loopback port, and where its pages are; shared by the site's and the browser's tests."""

import functools
import http.server
import threading
from contextlib import contextmanager
from pathlib import Path

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"genindex.html", "search.html"}


def html_pages(edition=""):
    """The pages of an edition, the English one if none is named, as paths below the root of the site."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    found = (path.relative_to(HTML) for path in (HTML / edition).rglob("*.html"))
    kept = (path for path in found if path.name not in GENERATED and (edition or path.parts[0] != "zh"))
    return sorted(str(path) for path in kept if not any(part.startswith("_") for part in path.parts))


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
