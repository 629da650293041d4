"""The command line of the measurements.

usage: python -m tests.benchmarks.bench [--quick] [peer quality drawing limit memory growth series]
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import subprocess
import sys
import time

from tests.benchmarks.bench import measure
from utils import project

NAMES = ("peer", "quality", "drawing", "limit", "memory", "growth", "series")
PAGE = project.DATA / "benchmarks.md"
README, BEGIN, END = project.ROOT / "README.md", "<!-- bench: begin -->", "<!-- bench: end -->"
"""The page with all figures, and the place in README that quotes some of them."""
LIMITS = {"quick": 600, "full": 3600}
"""Seconds that all questions together may take."""


def stored() -> list[dict]:
    """The figures of all questions that were measured so far."""
    paths = [measure.FOLDER / f"{name}.json" for name in NAMES]
    return [measure.read(path) for path in paths if path.exists()]


def write_pages() -> None:
    """Bring the page of figures and what README quotes of them up to date."""
    contents = stored()
    PAGE.write_text(measure.page(contents), encoding="utf-8")
    head, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(f"{head}{BEGIN}\n{measure.quotes(contents)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def one(name: str, quick: bool) -> None:
    """Make, print and store the tables of one question, in this process."""
    module = importlib.import_module(f"tests.benchmarks.bench.{name}")
    question = module.__doc__.splitlines()[0]
    print(f"\n## {question}\n", flush=True)
    start = time.perf_counter()
    tables = module.tables(quick)
    seconds = time.perf_counter() - start
    print("\n" + "\n\n".join(table.text() for table in tables) + f"\n\n({seconds:.0f} s)", flush=True)
    command = f"make bench TABLE={name}" + (" QUICK=1" if quick else "")
    measure.store(name, question, command, tables, seconds, datetime.date.today().isoformat())


def took(seconds: list[tuple[str, float]], quick: bool) -> str:
    """A sentence: the seconds of each question that was asked, their sum, and whether it is inside the limit for all."""
    limit, total = LIMITS["quick" if quick else "full"], round(sum(one for _, one in seconds))
    each = ", ".join(f"{name} {one:,.0f} s" for name, one in seconds)
    return f"Took {each}: {total:,} s, {'inside' if total <= limit else 'over'} the {limit:,} s for all questions."


def main(arguments=None) -> int:
    """Run each question in a process of its own; write the page with all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description="Measure the series.")
    parser.add_argument("names", nargs="*", metavar="TABLE", help=f"of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, sizes and seeds")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no table {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if given.inside:
        one(given.names[0], given.quick)
        return 0
    failed, seconds = [], []
    for name in given.names or NAMES:
        start = time.perf_counter()
        command = [sys.executable, "-m", "tests.benchmarks.bench", "--inside", name, *["--quick"] * given.quick]
        if subprocess.run(command, cwd=project.ROOT).returncode:
            failed.append(name)
        seconds.append((name, time.perf_counter() - start))
    write_pages()
    print(f"\nWritten to {PAGE.relative_to(project.ROOT)}." + (f" Failed: {', '.join(failed)}." if failed else ""))
    print(took(seconds, given.quick))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
