"""The built site on a loopback port, compressed as a web host does it, and where its pages are; shared by tests.

``python tests/site_server.py 8000`` serves it until it is stopped: for Lighthouse, or to look at it.
"""

import functools
import gzip
import http.server
import io
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

HTML = Path(__file__).parents[1] / "_build" / "html"
GENERATED = {"genindex.html", "search.html"}
COMPRESSED = {".html", ".css", ".js", ".svg", ".xml", ".txt", ".json"}


def html_pages(edition=""):
    """The pages of an edition, the English one if none is named, as paths below the root of the site."""
    assert (HTML / "index.html").is_file(), "The site is not built: run `make book` first (`make test` does)."
    found = (path.relative_to(HTML) for path in (HTML / edition).rglob("*.html"))
    kept = (path for path in found if path.name not in GENERATED and (edition or path.parts[0] != "zh"))
    return sorted(str(path) for path in kept if not any(part.startswith("_") for part in path.parts))


@functools.lru_cache(maxsize=200)
def compressed(path, _modified):
    """A file as gzip; once for each state of the file."""
    return gzip.compress(path.read_bytes(), 6)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files, compressed where that helps, and no log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_head(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() and self.path.partition("?")[0].endswith("/") else path
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepted and path.is_file() and path.suffix in COMPRESSED):
            return super().send_head()
        content = compressed(path, path.stat().st_mtime_ns)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")  # as GitHub Pages
        self.end_headers()
        return io.BytesIO(content)


@contextmanager
def serving(port=0):
    """Serve the site and yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


if __name__ == "__main__":
    with serving(int(sys.argv[1])) as address:
        print(address, flush=True)
        threading.Event().wait()
