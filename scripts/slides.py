"""Slides for an instructor, made from the notebooks: ``make slides``.

The notebooks say which cell begins a slide (see ``scripts/slide_types.py``). Badges, imports and solutions are left out.
The pages go to ``slides/``. They load reveal.js and what it needs from the web, unless it was put beside them once:
``npm install --prefix slides reveal.js@4 requirejs@2 jquery@3 mathjax@2``. Then they work without a network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nbconvert import SlidesExporter
from traitlets.config import Config

from scripts import notebooks
from scripts.slide_types import HEIGHT, WIDTH

FOLDER = notebooks.ROOT / "slides"
LOOK = {
    "reveal_theme": "white", "reveal_transition": "none", "reveal_number": "c/t", "reveal_scroll": True,
    "reveal_width": str(WIDTH), "reveal_height": str(HEIGHT), "exclude_input_prompt": True, "exclude_output_prompt": True,
}  # fmt: skip
BESIDE = {
    "reveal_url_prefix": "reveal.js",
    "require_js_url": "requirejs/require.js",
    "jquery_url": "jquery/dist/jquery.min.js",
    "mathjax_url": "mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
}
"""Options of nbconvert, and where their files lie in ``slides/node_modules``."""


def make(path: Path, folder: Path = FOLDER) -> Path:
    """Write a notebook's slides, and return the page."""
    modules = folder / "node_modules"
    beside = {o: f"node_modules/{name}" for o, name in BESIDE.items() if (modules / name.partition("?")[0]).exists()}
    html, _ = SlidesExporter(config=Config(SlidesExporter=LOOK | beside)).from_filename(str(path))
    folder.mkdir(exist_ok=True)
    page = folder / f"{path.stem}.slides.html"
    page.write_text(html, encoding="utf-8")
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make slides from the notebooks.")
    notebooks.add_names(parser)
    for notebook in notebooks.find(parser.parse_args().names):
        print(f"{notebook.name} -> {make(notebook).relative_to(notebooks.ROOT)}", flush=True)
