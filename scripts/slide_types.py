"""Which cell of a notebook begins a slide, so that each slide fits a screen.

The answer is stored in the notebook's cells as ``slideshow`` metadata, which Jupyter's tools for slides understand.
"""

from __future__ import annotations

import base64
import re

WIDTH, HEIGHT = 1120, 800
"""Size of a slide in pixels; the browser scales it to the screen."""
LINE, CODE_LINE, GAP = 30, 21, 24
"""Heights in pixels by which a cell is estimated: a line of text, a line of code, the space around a block."""
FOR_READERS = re.compile(r"\[Open in |## Further reading")
"""How text cells begin that no slide shows."""


def slide_types(cells) -> list[str]:
    """For every executed cell whether it begins a slide.

    ``"slide"`` (a section begins), ``"subslide"`` (the next slide of a section), ``"-"`` (on the slide of the cell before) or
    ``"skip"`` (left out: setup, imports, solutions, what is for readers only).
    """
    types, height, imports = [], 0, True
    for cell in cells:
        needed, heading = estimated_height(cell), re.match(r"(#+) ", cell.source)
        imports = imports and (cell.cell_type != "code" or "project.start()" in cell.source or is_import(cell))
        if (cell.cell_type == "code" and imports) or "solution" in cell.metadata.get("tags", ()):
            kind = "skip"
        elif cell.cell_type == "markdown" and FOR_READERS.match(cell.source):
            kind = "skip"
        elif heading and len(heading[1]) <= 2:
            kind = "slide"
        elif heading or cell.source.startswith("**You will be able to**") or height + needed > HEIGHT:
            kind = "subslide"
        else:
            kind = "-"
        if kind != "skip":
            height = needed if kind != "-" else height + needed
        types.append(kind)
    return types


def is_import(cell) -> bool:
    """Whether a code cell does nothing but import."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return bool(lines) and all(re.match(r"(from|import) |\)|\s", line) for line in lines)


def estimated_height(cell) -> int:
    """About how many pixels a cell takes on a slide."""
    if cell.cell_type == "markdown":
        answers = re.sub(r"(?s)</summary>.+?</details>", "", cell.source)
        blocks = re.split(r"\n\s*\n", answers)
        return sum(GAP + LINE * sum(1 + len(line) // 110 for line in unwrapped(block)) for block in blocks)
    height = 2 * GAP + CODE_LINE * (cell.source.count("\n") + 1)
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/png" in data:
            height += GAP + png_height(data["image/png"])
        else:
            height += CODE_LINE * (output.get("text") or data.get("text/plain", "")).count("\n") + GAP
    return height


def unwrapped(block: str) -> list[str]:
    """The lines of a block of markdown as they are shown: a paragraph is one long line, items of a list are lines."""
    if block.lstrip().startswith(("- ", "|", "<details")):
        return re.split(r"\n(?=[-|<])", block)
    return [block.replace("\n", " ")]


def png_height(png: str) -> int:
    """The height in pixels of a PNG that is stored as base64."""
    return int.from_bytes(base64.b64decode(png[:48])[20:24], "big")
