"""The command line of the measurements: python -m scripts.bench [--quick] [peer quality ...]."""

import argparse
import sys
import traceback

from scripts.bench import measure
from utils import project

NAMES = ("peer", "quality", "drawing", "limit", "memory", "growth", "series", "playground")
PAGE = project.DATA / "benchmarks.md"
README, BEGIN, END = project.ROOT / "README.md", "<!-- bench: begin -->", "<!-- bench: end -->"
"""The page with all figures, and the place in README that quotes some of them."""


def stored() -> list[dict]:
    """The figures of all questions that were measured so far."""
    return [measure.read(name) for name in NAMES if (measure.FOLDER / f"{name}.json").exists()]


def write_pages() -> None:
    """Bring the page of figures and what README quotes of them up to date."""
    contents = stored()
    PAGE.write_text(measure.page(contents), encoding="utf-8")
    head, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(f"{head}{BEGIN}\n{measure.quotes(contents)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments=None) -> int:
    """Answer each question in a process of its own; write the page with all answers."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description="Measure the series.")
    parser.add_argument("names", nargs="*", metavar="TABLE", help=f"of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, sizes and seeds")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {*NAMES}:
        parser.error(f"there is no table {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    failed = []
    for name in asked.names or NAMES:
        try:
            measure.fresh(measure.answer, name, asked.quick)
        except Exception:  # the other questions are answered all the same
            traceback.print_exc()
            failed.append(name)
    write_pages()
    print(f"\nWritten to {PAGE.relative_to(project.ROOT)}." + (f" Failed: {', '.join(failed)}." if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
