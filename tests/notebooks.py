"""The notebooks as files: where they are, what they may cost, how they are stored, which outputs nbval compares."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbval.plugin import find_comment_markers, find_metadata_tags

from tests import address
from tests.slide_types import slide_types

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"

KERNEL_BYTES = 1_500_000_000
"""Budget: the most memory that a notebook's kernel shall take at any moment. A free pod ends a kernel at 2 GB."""
FILE_BYTES = 1_500_000
"""Budget: the largest that a stored notebook may be."""
SECONDS = 240.0
"""Budget: the longest that a notebook may run on two processor cores."""
PATIENCE = 2
"""A notebook fails at this multiple of its budget of seconds; between one and this it is named."""
COMPARED_SHARE = 0.7
"""The smallest share of the cells with output whose output is compared."""
CELL_TIMEOUT = 300
"""Seconds after which a single cell is stopped."""

EXEMPT = "nbval-ignore-output"
"""The only tag that exempts a cell's output from comparison: training, timing."""

ADDRESS = address.stored()
"""Where the series is published; ``make publish`` changes it."""
SETUP = ADDRESS.setup_cell()
"""The first code cell of every notebook."""

WIDGET = "application/vnd.jupyter.widget-view+json"
"""The part of an output that only lives as long as its kernel; it is not stored, the still picture beside it is."""
# nbval leaves these out; the text that is stored beside a picture is compared.
_NEVER_COMPARED = {"image/png", "image/jpeg", WIDGET}
_KEPT_CELL_METADATA = ("cellView", "jupyter", "slideshow", "tags")


def find(names=(), folder: Path = FOLDER) -> list[Path]:
    """The notebooks that were asked for, in the order in which they are named; all of them in theirs if none is named.

    Args:
        names: beginnings of file names, such as ``"01"``.
        folder: where to look.

    Raises:
        ValueError: a name that fits no notebook.
    """
    there = sorted(folder.glob("*.ipynb"))
    for name in names:
        if not any(path.name.startswith(Path(name).name) for path in there):
            known = ", ".join(path.name for path in there) or "none"
            raise ValueError(f"There is no notebook that begins with '{name}' in {folder.name}/; there are: {known}.")
    asked = [path for name in names for path in there if path.name.startswith(Path(name).name)]
    return list(dict.fromkeys(asked)) if names else there


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def text(notebook) -> str:
    """The notebook as the text of its file."""
    return nbformat.writes(notebook, version=4, indent=1).rstrip("\n") + "\n"


def write(notebook, path: Path) -> None:
    """Store a notebook. The old file stays as it is until the new one is complete."""
    whole = path.with_name(f".{path.name}.new")
    whole.write_text(text(notebook), encoding="utf-8", newline="\n")
    whole.replace(path)


def normalise(notebook):
    """A copy without what differs from one machine or editor to the next.

    Cell ids, tags and outputs stay. A solution is hidden, in JupyterLab and in Colab. Each says if it begins a slide.
    """
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", ()):
            cell.metadata.update(cellView="form", jupyter={"source_hidden": True})
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in _KEPT_CELL_METADATA})
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
                output.get("data", {}).pop(WIDGET, None)
    for cell, kind in zip(notebook.cells, slide_types(notebook.cells)):
        cell.metadata["slideshow"] = {"slide_type": kind}
    return notebook


def code_cells(notebook) -> list:
    """The notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_compared(cell) -> bool:
    """Whether nbval compares some output of this code cell: it has output of a compared kind and no tag exempts it."""
    options = dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))
    if options.get("skip") or not options.get("check", True) or cell.execution_count is None:
        return False
    return any("data" not in output or set(output.data) - _NEVER_COMPARED for output in cell.outputs)


def compared_and_exempt(notebook) -> tuple[int, int]:
    """How many cells with output are compared by nbval, and how many are not."""
    compared = [is_compared(cell) for cell in code_cells(notebook) if cell.outputs]
    return sum(compared), len(compared) - sum(compared)


def time_budget() -> float:
    """Seconds that a notebook may take: the variable ``TIME_BUDGET``, 240 if it is not set, 0 for no limit.

    Raises:
        ValueError: the variable is not a number of seconds.
    """
    given = os.environ.get("TIME_BUDGET") or SECONDS
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"TIME_BUDGET is '{given}'; give the seconds that a notebook may take, or 0 for no limit.")
    return seconds
