"""Slides: sections begin them, what is for readers only is left out, and what does not fit begins the next one."""

import base64
import io

import nbformat.v4 as v4
import pytest
from PIL import Image

from scripts import notebook_checks, notebooks, slide_types, slides

text, code = v4.new_markdown_cell, v4.new_code_cell


def picture(height):
    """The outputs of a cell that shows a picture of this height."""
    buffer = io.BytesIO()
    Image.new("RGB", (900, height)).save(buffer, "PNG")
    return [v4.new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})]


CELLS = [
    (text("# 01 · A title\n\nA promise."), "slide"),
    (text("[Open in Colab](x) · [Open in Binder](y)"), "skip"),
    (text("**You will be able to**\n\n- do this"), "subslide"),
    (code("import sys\n\nfrom utils import project\n\nproject.start()"), "skip"),
    (code("import numpy as np\nfrom utils import (\n    plots,\n)"), "skip"),
    (text("## A section\n\nWhat it is about."), "slide"),
    (code("plots.one()", outputs=picture(300)), "-"),
    (text("It shows one."), "-"),
    (code("plots.two()", outputs=picture(300)), "subslide"),
    (code("import scipy  # later imports are part of the story"), "-"),
    (text("### Exercise: do it"), "subslide"),
    (code("# @title Solution", metadata={"tags": ["solution", "hide-input"]}), "skip"),
    (text("## Further reading\n\n- a paper"), "skip"),
]


def test_every_cell_finds_its_place():
    assert slide_types.slide_types([cell for cell, _ in CELLS]) == [kind for _, kind in CELLS]


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_no_slide_of_the_series_is_fuller_than_a_screen_unless_it_is_one_cell(path):
    sheets = []
    for cell in notebooks.read(path).cells:
        kind = cell.metadata.slideshow.slide_type
        sheets += [[]] if kind in ("slide", "subslide") else []
        if kind != "skip":
            sheets[-1].append(slide_types.estimated_height(cell))
    assert all(sum(sheet) <= slide_types.HEIGHT or len(sheet) == 1 for sheet in sheets)
    assert len(sheets) >= (5 if path.name == notebook_checks.QUICKSTART else 15)


def test_a_notebook_becomes_a_page_of_slides(tmp_path):
    book = notebooks.normalise(v4.new_notebook(cells=[cell for cell, _ in CELLS]))
    notebooks.write(book, tmp_path / "01_small.ipynb")
    (tmp_path / "slides" / "node_modules" / "reveal.js").mkdir(parents=True)
    html = slides.make(tmp_path / "01_small.ipynb", tmp_path / "slides").read_text(encoding="utf-8")
    assert "It shows one." in html and "Solution" not in html and "Open in Colab" not in html
    assert "node_modules/reveal.js" in html and "unpkg.com/reveal.js" not in html
