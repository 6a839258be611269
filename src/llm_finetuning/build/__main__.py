"""The commands behind the Makefile and the Snakefile: ``python -m llm_finetuning.build COMMAND``.

What takes seconds to import (torch, Sphinx) is imported by the commands that need it: a run of the Snakefile starts
this a hundred times.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from llm_finetuning import BookError
from llm_finetuning.build import notebooks, project


def main() -> None:
    """Run one command; errors that a reader can do something about end with one line."""
    parser = argparse.ArgumentParser(prog="python -m llm_finetuning.build", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make", help="run a target of the Snakefile").add_argument("target")
    commands.add_parser("data", help="download the packaged data and weights")
    for name, text in (
        ("execute", "execute a page into _build/executed"),
        ("validate", "hold a page against its stored outputs"),
    ):
        commands.add_parser(name, help=text).add_argument("page")
    commands.add_parser("refresh", help="store all executed outputs in book/")
    commands.add_parser("in-page-model", help="export the model that runs in the reader's browser")
    commands.add_parser("site", help="build the site from the executed pages")
    commands.add_parser("translate", help="bring the catalogues of translations up to date with the pages")
    commands.add_parser("record", help="repeat a recorded run").add_argument("name")
    commands.add_parser("checkpoint", help="train a shipped checkpoint anew").add_argument("name")
    commands.add_parser("portable", help="execute all pages with other vector instructions and compare")
    options = parser.parse_args()
    try:
        run(options)
    except BookError as error:
        raise SystemExit(f"error: {error}") from error


def run(options: argparse.Namespace) -> None:
    """Carry out a parsed command."""
    root = project.root()
    match options.command:
        case "make":
            make(options.target)
        case "data":
            from llm_finetuning import sources

            sources.fetch_all()
        case "execute":
            page = options.page
            notebooks.execute(page, project.executed(root, page), measured=project.measured(root, page))
        case "validate":
            notebooks.validate(options.page)
        case "refresh":
            changed = [page for page in project.pages() if notebooks.refresh(page)]
            print(f"Stored in book/: {', '.join(changed) or 'nothing changed'}.")
        case "in-page-model":
            from llm_finetuning.build import in_page_model

            in_page_model.make(root)
        case "site":
            from llm_finetuning.build import site

            site.build(root)
        case "translate":
            translate(root)
        case "record":
            from llm_finetuning import records

            os.environ.update(notebooks.environment())
            target = records.make(options.name, root)
            print(f"The record is in {target.relative_to(root)}; `git diff` shows what changed.")
        case "checkpoint":
            from llm_finetuning import checkpoints

            os.environ.update(notebooks.environment())
            for name in checkpoints.names() if options.name == "all" else [options.name]:
                print(f"The checkpoint is in {checkpoints.make(name, root).relative_to(root)}.")
        case "portable":
            portable()


def make(target: str) -> None:
    """Run a Snakefile target, one process at a time for this checkout, and say where the result is."""
    root = project.root()
    results = {
        "book": "The book is in _build/html/index.html (`make serve` shows it).",
        "test": "All tests passed; what they looked at is in _build/html/index.html.",
        "executed": "All notebooks are executed, in _build/executed.",
    }
    (root / "_build").mkdir(exist_ok=True)
    lock = FileLock(root / "_build" / ".lock", timeout=0)  # the kernel frees it when this process is killed
    command = [sys.executable, "-m", "snakemake", "--nolock", "--rerun-incomplete", "--quiet", "all", "--keep-going"]
    # By its default of one second Snakemake looks at all steps again every second, once for each step that is done.
    command += ["--max-jobs-per-timespan", "100/5s"]
    cores = os.cpu_count() or 1
    # Pages say what they take: each has a core. Tests start kernels and wait for them and for browsers, an eighth of
    # the time: one more runs than there are cores.
    stages = [("pages_first", cores), ("test", cores + 1)] if target == "test" else [(target, cores)]
    try:
        with lock:
            for stage, at_once in stages:
                status = subprocess.run([*command, stage, "--cores", str(at_once)], cwd=root).returncode
                if status:
                    break
    except Timeout:
        raise SystemExit("Another `make` is working in this folder: wait for it, or stop it.") from None
    if status:
        raise SystemExit(f"make {target} failed: the first error above says where. What is done is kept.")
    print(results.get(target, f"{target} is done."))


def translate(root: Path) -> None:
    """Bring the catalogues up to date with the pages and say what is left to translate."""
    from llm_finetuning.build import translation

    messages = translation.extract(root)
    for language in set(translation.EDITIONS) - {"en"}:
        changed = translation.update(root, language, messages)
        print(f"Changed in book/locale/{language}: {', '.join(changed) or 'nothing'}.")
        for page, count in translation.left(root, language, messages).items():
            if count:
                print(f"  {page}: {count} of {len(messages[page])} paragraphs to translate")


def portable() -> None:
    """Execute every page from an empty artifact cache with other vector instructions; SystemExit if outputs differ.

    The pages' own checks run too, and fail as they always do. This stands for a reader's other processor.
    """
    root = project.root()
    os.environ.update({"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"})
    found = []
    for page in project.pages():
        target = root / "_build" / "portable" / f"{page}.ipynb"
        found += notebooks.differences(root / "book" / f"{page}.ipynb", notebooks.execute(page, Path(target)))
    if found:
        raise SystemExit("\n".join(found))
    print(f"{len(project.pages())} notebooks show the same in every compared cell, and every check holds.")


if __name__ == "__main__":
    main()
