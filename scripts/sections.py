"""The parts of a notebook that can be started on their own: ``make check WHAT=sections`` runs each in a fresh kernel.

A section that can be started holds the sentence :data:`START` below its heading. Its part reaches to the next such section,
or to the end. It needs the setup's cells and nothing else.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

from scripts import notebooks, run_notebooks

START = "*You can start here: run the setup's two cells first.*"


def parts(notebook) -> dict[str, list]:
    """The cells of each part that can be started, the setup's cells first; the keys are the sections' titles."""
    cells = notebook.cells
    first = next(k for k, cell in enumerate(cells) if cell.source.startswith("## "))
    setup = [cell for cell in cells[:first] if cell.cell_type == "code"][:2]
    starts = [k for k, cell in enumerate(cells) if cell.cell_type == "markdown" and START in cell.source]
    return {
        cells[start].source.splitlines()[0].removeprefix("## "): [*setup, *cells[start:end]]
        for start, end in zip(starts, [*starts[1:], len(cells)])
    }


def run(paths) -> int:
    """Run all parts of these notebooks, each in a kernel of its own; print a table."""
    targets = []
    with tempfile.TemporaryDirectory(dir=notebooks.FOLDER) as folder:
        for path in paths:
            whole = notebooks.read(path)
            for number, cells in enumerate(parts(whole).values(), 1):
                part = copy.copy(whole)
                part.cells = cells
                targets.append(Path(folder, f"{path.stem}_part_{number}.ipynb"))
                notebooks.write(part, targets[-1])
        return run_notebooks.summary(run_notebooks.compare_all(targets, notebooks.time_budget()))
