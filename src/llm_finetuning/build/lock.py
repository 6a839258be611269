"""Write requirements.lock: the exact versions that a fresh environment gets today, as pip constraints."""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from llm_finetuning.build import project

TORCH = "torch==2.13.0"  # a later release, unasked, brings several GB of CUDA libraries
HEADER = """\
# The exact versions that the book is built and tested with. Made by `make lock`; do not edit.
# Used as constraints (pip install -c requirements.lock -e '.[book,test]'), so that what only another platform
# needs still resolves.
"""


def main() -> None:
    """Install what pyproject.toml asks for in a fresh environment and keep the versions it got."""
    root = project.root()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        print("installing the newest releases in a fresh environment ...", file=sys.stderr, flush=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TORCH, *_asked_for(root)], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True)
    pins = (line.partition("+")[0] for line in frozen.stdout.splitlines() if "==" in line)
    kept = sorted(pin for pin in pins if pin.partition("==")[0] not in ("pip", "setuptools"))
    project.write_whole(root / "requirements.lock", HEADER + "\n".join(kept) + "\n")
    print(f"requirements.lock holds {len(kept)} packages.")


def _asked_for(root: Path) -> list[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]


if __name__ == "__main__":
    main()
