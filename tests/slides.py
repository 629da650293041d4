"""Slides for an instructor, made from the notebooks: ``make slides``.

usage: python -m tests.slides [01 03 ...]

Which cell begins a slide stands in the notebooks (see ``tests/slide_types.py``). Badges, imports and solutions are left out.
The pages go to ``slides/``. They load reveal.js and what it needs from the web, unless it was put beside them once:
``npm install --prefix slides reveal.js@4 requirejs@2 jquery@3 mathjax@2``. Then they work without a network.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests import notebooks
from tests.slide_types import HEIGHT, WIDTH

FOLDER = notebooks.ROOT / "slides"
BESIDE = {
    "reveal_url_prefix": "reveal.js",
    "require_js_url": "requirejs/require.js",
    "jquery_url": "jquery/dist/jquery.min.js",
    "mathjax_url": "mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
}
"""Options of nbconvert, and where their files lie in ``slides/node_modules``."""


def make(path: Path) -> Path:
    """Write a notebook's slides, and return the page."""
    beside = [
        f"--SlidesExporter.{option}=node_modules/{name}"
        for option, name in BESIDE.items()
        if (FOLDER / "node_modules" / name.partition("?")[0]).exists()
    ]
    command = [
        sys.executable, "-m", "nbconvert", "--to", "slides", "--log-level", "ERROR", "--output-dir", str(FOLDER), str(path),
        "--SlidesExporter.reveal_theme=white", "--SlidesExporter.reveal_transition=none", "--SlidesExporter.reveal_number=c/t",
        f"--SlidesExporter.reveal_width={WIDTH}", f"--SlidesExporter.reveal_height={HEIGHT}",
        "--SlidesExporter.reveal_scroll=True", "--SlidesExporter.exclude_input_prompt=True",
        "--SlidesExporter.exclude_output_prompt=True", *beside,
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return FOLDER / f"{path.stem}.slides.html"


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.slides", description="Make slides from the notebooks.")
    parser.add_argument(
        "names", nargs="*", help="beginnings of file names, such as 01 03; all notebooks if none is given"
    )
    try:
        paths = notebooks.find(parser.parse_args(arguments).names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in paths:
        print(f"{path.name} -> {make(path).relative_to(notebooks.ROOT)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
