"""What Lighthouse says of the built site: ``make lighthouse`` measures, the page "How this book was built" shows it."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llm_finetuning.build import project, server

LIGHTHOUSE = "lighthouse@12.2.3"
FORMS = {"mobile": [], "desktop": ["--preset=desktop"]}
RUNS = 3
SCORES = ("performance", "accessibility", "best-practices", "seo")
# What is kept of a run besides the scores: our name, Lighthouse's, and by what to divide.
MEASURES = {
    "paint_seconds": ("largest-contentful-paint", 1000),
    "shift": ("cumulative-layout-shift", 1),
    "kilobytes": ("total-byte-weight", 1000),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str | None:
    """Return the path of an installed Chromium or Chrome, None when there is none; the tests drive the same one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def main(pages: list[str]) -> None:
    """Measure pages on a phone and on a desk, all pages if none is named: about a minute each.

    The medians are kept in ``book/about/lighthouse.json`` after every page; pages that were not measured keep theirs.
    """
    npx, chromium = shutil.which("npx"), browser()
    if not npx or not chromium:
        raise SystemExit("Lighthouse needs Node.js 18 or newer (npx) and Chromium: apt-get install nodejs npm chromium")
    root = project.root()
    known = site_pages(root / "_build" / "html")
    if unknown := [page for page in pages if page not in known]:
        raise SystemExit(f"The site has no page {', '.join(unknown)}. It has: {', '.join(known)}.")
    path = root / "book" / "about" / "lighthouse.json"
    before = json.loads(path.read_text("utf-8"))["rows"] if path.is_file() else []
    rows = {(row["page"], row["form"]): row for row in before if row["page"] in known}
    with server.serving(root / "_build" / "html") as address:
        for page in pages or known:
            for form, options in FORMS.items():
                command = [npx, "--yes", LIGHTHOUSE, f"{address}/{page}.html", *options, "--output=json", "--quiet"]
                command += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
                runs = [_run(command, chromium) for _ in range(RUNS)]
                rows[page, form] = {"page": page, "form": form, **summary(runs)}
                print(rows[page, form], file=sys.stderr, flush=True)
            ordered = sorted(rows.values(), key=lambda row: known.index(row["page"]))
            kept = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "version": LIGHTHOUSE, "runs": RUNS, "rows": ordered}
            project.write_whole(path, json.dumps(kept, indent=1) + "\n")


def site_pages(site: Path) -> list[str]:
    """Return the pages of an edition that readers come to, the front page first; ``site / "zh"`` is the Chinese one."""
    found = sorted(path.relative_to(site).with_suffix("").as_posix() for path in site.glob("*/*.html"))
    return ["index", *(page for page in found if page.partition("/")[0] not in ("_static", "zh"))]


def _run(command: list[str], chromium: str) -> dict[str, Any]:
    environment = {**os.environ, "CHROME_PATH": chromium}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"Lighthouse failed:\n{result.stderr[-3000:]}")
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def summary(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median of every score, from 0 to 100, and of every measure."""
    scores = {name: [100 * run["categories"][name]["score"] for run in runs] for name in SCORES}
    measures = {
        name: [run["audits"][audit]["numericValue"] / unit for run in runs] for name, (audit, unit) in MEASURES.items()
    }
    return {name: round(statistics.median(values), 3) for name, values in {**scores, **measures}.items()}


def section(root: Path) -> list[str]:
    """Return the Markdown lines about the last measurement; none when there was none."""
    path = root / "book" / "about" / "lighthouse.json"
    if not path.is_file():
        return []
    result = json.loads(path.read_text("utf-8"))
    lines = [
        "## How fast the pages are",
        "",
        f"Measured by `make lighthouse` ({result['version']}) until {result['date']}, behind a server that compresses: "
        f"medians of {result['runs']} runs. Scores reach from 0 to 100.",
        "",
        "| page | form | performance | accessibility | best practices | SEO | largest paint, s | shift | kB |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        scores = " | ".join(f"{row[name]:.0f}" for name in SCORES)
        measures = f"{row['paint_seconds']:.1f} | {row['shift']:.2f} | {row['kilobytes']:.0f}"
        lines.append(f"| {row['page']} | {row['form']} | {scores} | {measures} |")
    return [*lines, ""]


if __name__ == "__main__":
    main(sys.argv[1:])
