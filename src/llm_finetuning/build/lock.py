"""Write requirements.lock: the exact versions that a fresh environment gets today, as pip constraints."""

import subprocess
import sys
import tempfile
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
    """Install the project with its extras in a fresh environment and keep the versions it got."""
    root = project.root()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        print("installing the newest releases in a fresh environment ...", file=sys.stderr, flush=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TORCH, f"{root}[book,test]"], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True)
    pins = (line.partition("+")[0] for line in frozen.stdout.splitlines() if "==" in line)
    kept = sorted(pin for pin in pins if pin.partition("==")[0] not in ("pip", "setuptools"))
    temporary = root / "requirements.lock.partial"
    temporary.write_text(HEADER + "\n".join(kept) + "\n")
    temporary.replace(root / "requirements.lock")
    print(f"requirements.lock holds {len(kept)} packages.")


if __name__ == "__main__":
    main()
