"""The notebooks as files: where they are, what they may cost, how they are stored, which outputs nbval compares."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbval.plugin import find_comment_markers, find_metadata_tags

from scripts import address
from scripts.slide_types import slide_types

ROOT = address.ROOT
FOLDER = ROOT / "notebooks"

KERNEL_BYTES = 1_700_000_000
"""Budget: the most memory that a notebook's kernel may take at any moment. A free pod ends a kernel at 2 GB."""
FILE_BYTES = 1_500_000
"""Budget: the largest that a stored notebook may be."""
SECONDS = 240.0
"""Budget: the longest that a notebook may run on two processor cores."""
PATIENCE = 2
"""A notebook fails at this multiple of its budget of seconds; between one and this it is named."""
STRICT_SHARE, STRICT_SHARE_OF_ALL = 0.7, 0.85
"""The smallest share of the cells with output whose output is compared strictly: of a notebook, of the whole series."""
CELL_TIMEOUT = 300
"""Seconds after which a single cell is stopped."""

EXEMPT = "nbval-ignore-output"
"""The only tag that exempts a cell's output from comparison: training, timing. See also :mod:`scripts.tolerance`."""

ADDRESS = address.stored()
"""Where the series is published; ``make publish`` changes it."""
SETUP = ADDRESS.setup_cell()
"""The first code cell of every notebook."""

WIDGET = "application/vnd.jupyter.widget-view+json"
"""The part of an output that only lives as long as its kernel; it is not stored, the still picture beside it is."""
# nbval leaves these out; the text that is stored beside a picture is compared.
_NEVER_COMPARED = {"image/png", "image/jpeg", WIDGET}
_KEPT_CELL_METADATA = ("alt", "cellView", "jupyter", "slideshow", "tags", "tolerance")


def find(names=(), folder: Path = FOLDER) -> list[Path]:
    """The notebooks whose names begin as asked, such as ``"01"``, in that order; all of them if nothing is asked."""
    there = sorted(folder.glob("*.ipynb"))
    found = {name: [path for path in there if path.name.startswith(Path(name).name)] for name in names}
    if missing := [name for name, paths in found.items() if not paths]:
        known = ", ".join(path.name for path in there)
        raise SystemExit(f"There is no notebook that begins with '{missing[0]}'; there are: {known}")
    return list(dict.fromkeys(sum(found.values(), []))) if names else there


def add_names(parser) -> None:
    """Let a command line name notebooks; it gets their paths."""
    text = "beginnings of file names, such as 01 03; all notebooks if none is given"
    parser.add_argument("names", nargs="*", help=text)


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

    Cell ids, tags and outputs stay. A solution is hidden, in JupyterLab and in Colab. Each says if it begins a slide. The
    alternative text that a cell's metadata holds goes to its picture.
    """
    notebook = nbformat.from_dict(notebook)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for cell, slide in zip(notebook.cells, slide_types(notebook.cells)):
        if "solution" in tags(cell):
            cell.metadata.update(cellView="form", jupyter={"source_hidden": True})
        cell.metadata["slideshow"] = {"slide_type": slide}
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in _KEPT_CELL_METADATA})
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
                output.get("data", {}).pop(WIDGET, None)
                for kind in {"image/png", "image/jpeg"} & set(output.get("data", {})) if "alt" in cell.metadata else ():
                    output.metadata[kind] = {"alt": cell.metadata.alt}
    return notebook


def code_cells(notebook) -> list:
    """The notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def python(source: str) -> str:
    """A code cell's source as Python reads it: a line for the shell becomes a call of ``get_ipython()``."""
    return TransformerManager().transform_cell(source)


def tags(cell) -> set[str]:
    """A cell's tags."""
    return set(cell.metadata.get("tags", ()))


def is_compared(cell) -> bool:
    """Whether nbval compares some output of this code cell: it has output of a compared kind and no tag exempts it."""
    options = dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))
    if options.get("skip") or not options.get("check", True) or cell.execution_count is None:
        return False
    return any("data" not in output or set(output.data) - _NEVER_COMPARED for output in cell.outputs)


def comparison(notebook) -> tuple[int, list, int]:
    """How many cells with output are compared strictly, the tolerances of those that have one, and how many are exempt."""
    cells = [cell for cell in code_cells(notebook) if cell.outputs]
    compared = [cell.metadata.get("tolerance") for cell in cells if is_compared(cell)]
    tolerances = [tolerance for tolerance in compared if tolerance is not None]
    return len(compared) - len(tolerances), tolerances, len(cells) - len(compared)


def strict_share(*books) -> float:
    """Which share of the cells with output is compared strictly."""
    counted = [comparison(notebook) for notebook in books]
    total = sum(strict + len(tolerances) + exempt for strict, tolerances, exempt in counted)
    return sum(strict for strict, *_ in counted) / max(1, total)


def time_budget() -> float:
    """Seconds that a notebook may take: the variable ``TIME_BUDGET``, 240 if it is not set, 0 for no limit."""
    return float(os.environ.get("TIME_BUDGET") or SECONDS)


def small_machine(path: Path = ROOT / ".binder" / "environment") -> dict[str, str]:
    """The variables that make a kernel live in little memory, as on Binder: lines ``NAME=value``.

    XLA ends the process at a flag that it does not know, so only versions of TensorFlow that know ours are told.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = dict(line.strip().split("=", 1) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not tensorflow_version().startswith(("2.20.", "2.21.")):
        found.pop("XLA_FLAGS", None)
    return found


def tensorflow_version() -> str:
    """The version of TensorFlow, without importing it."""
    try:
        return metadata.version("tensorflow")
    except metadata.PackageNotFoundError:
        return metadata.version("tensorflow-cpu")
