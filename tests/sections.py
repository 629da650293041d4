"""Run every part of a notebook that says it can be started on its own, in a fresh kernel: ``make section-check``.

usage: python -m tests.sections [01 03 ...]

A section that can be started holds the sentence :data:`START` below its heading. Its part reaches to the next such section,
or to the end. Each part is run in a kernel of its own, after the setup's cells and nothing else, outputs compared.
"""

from __future__ import annotations

import builtins
import copy
import symtable
import sys
import tempfile
from pathlib import Path

from tests import notebooks, run_notebooks, work_tree

START = "*You can start here: run the setup's two cells first.*"


def starts(notebook) -> list[int]:
    """The numbers of the cells with the heading of a section that says it can be started."""
    return [k for k, cell in enumerate(notebook.cells) if cell.cell_type == "markdown" and START in cell.source]


def parts(notebook) -> dict[str, list]:
    """The cells of each part that can be started, the setup's cells first; the keys are the sections' titles."""
    first = next(k for k, cell in enumerate(notebook.cells) if cell.source.startswith("## "))
    setup = [cell for cell in notebook.cells[:first] if cell.cell_type == "code"][:2]
    found = starts(notebook)
    return {
        notebook.cells[start].source.splitlines()[0].removeprefix("## "): [*setup, *notebook.cells[start:end]]
        for start, end in zip(found, [*found[1:], len(notebook.cells)])
    }


def missing(cells) -> set[str]:
    """The names that code cells use although no cell before, nor they themselves, make them."""
    made, lacking = set(dir(builtins)), set()
    for cell in cells:
        if cell.cell_type == "code":
            whole = symtable.symtable(cell.source, "cell", "exec")
            made |= {one.get_name() for one in whole.get_symbols() if one.is_assigned() or one.is_imported()}
            lacking |= _used(whole) - made
    return lacking


def _used(scope):
    """The names of the notebook that a cell, or a function or class in it, uses."""
    top = scope.get_type() == "module"
    used = {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (top or one.is_global())}
    return used.union(*map(_used, scope.get_children()))


def main(arguments=None) -> int:
    """The command line: run all parts, print a table."""
    try:
        paths = notebooks.find(sys.argv[1:] if arguments is None else list(arguments))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        project = work_tree.copy(notebooks.ROOT, Path(folder))
        for path in paths:
            whole = notebooks.read(path)
            for number, (title, cells) in enumerate(parts(whole).items(), 1):
                part = copy.deepcopy(whole)
                part.cells = cells
                target = project / "notebooks" / f"{path.stem}_part_{number}.ipynb"
                notebooks.write(part, target)
                print(f"{path.name}, from “{title}” …", flush=True)
                results[target] = run_notebooks.compare(target, notebooks.time_budget())
        if not results:
            print("No section of these notebooks says that it can be started.")
            return 1
        print(f"\n{run_notebooks.table(results)}\n")
    failed = sum(result.failed for result in results.values())
    print(f"{sum(result.passed for result in results.values())} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
