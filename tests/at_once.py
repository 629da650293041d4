"""Run two notebooks at the same time in the same checkout, outputs compared: ``make two-at-once``.

usage: python -m tests.at_once [01 02 ...]

The notebooks run in pairs, one pair after the other: 01 with 02, 03 with 04, ... The last of an odd number runs with the first
one again. What two kernels write, download or change in one place would show as outputs that differ. There is no limit of time.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import notebooks, run_notebooks


def pairs(paths: list[Path]) -> list[tuple[Path, Path]]:
    """The notebooks two by two, in order; the last of an odd number with the first.

    Raises:
        ValueError: fewer than two notebooks.
    """
    if len(paths) < 2:
        raise ValueError("Two notebooks or more are needed to run two at once; name them, or none for all.")
    whole = [*paths, *paths[:1]]
    return [(whole[k], whole[k + 1]) for k in range(0, len(paths), 2)]


def compare_both(pair: tuple[Path, Path]) -> dict[Path, run_notebooks.Result]:
    """Start both notebooks of a pair together, and wait for both."""
    with ThreadPoolExecutor(2) as threads:
        return dict(zip(pair, threads.map(lambda path: run_notebooks.compare(path, seconds=0), pair)))


def main(arguments=None) -> int:
    """The command line: run all pairs, print a table of each."""
    try:
        together = pairs(notebooks.find(sys.argv[1:] if arguments is None else list(arguments)))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    results = []
    for pair in together:
        print(f"{' and '.join(path.name for path in pair)} run …", flush=True)
        found = compare_both(pair)
        results += found.values()
        for path, result in found.items():
            for complaint in result.complaints:
                print(f"{path.name}: {complaint}", flush=True)
        print(f"\n{run_notebooks.table(found)}\n", flush=True)
    failed = sum(result.failed for result in results)
    print(f"{sum(result.passed for result in results)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
