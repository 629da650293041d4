"""Slides: sections begin them, what is for readers only is left out, and what does not fit begins the next one."""

import base64
import io

import nbformat
import pytest
from PIL import Image

from tests import notebooks, slide_types, slides


def text(source):
    """A markdown cell."""
    return nbformat.v4.new_markdown_cell(source)


def code(source, *outputs, tags=()):
    """A code cell."""
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def picture(height):
    """An output that shows a picture of this height."""
    buffer = io.BytesIO()
    Image.new("RGB", (900, height)).save(buffer, "PNG")
    return nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})


CELLS = [
    (text("# 01 · A title\n\nA promise."), "slide"),
    (text("[Open in Colab](x) · [Open in Binder](y)"), "skip"),
    (text("**You will be able to**\n\n- do this"), "subslide"),
    (code("import sys\n\nfrom utils import project\n\nproject.start()"), "skip"),
    (code("import numpy as np\nfrom utils import (\n    plots,\n)"), "skip"),
    (text("## A section\n\nWhat it is about."), "slide"),
    (code("plots.one()", picture(300)), "-"),
    (text("It shows one."), "-"),
    (code("plots.two()", picture(300)), "subslide"),
    (text("It shows two."), "-"),
    (code("import scipy  # later imports are part of the story"), "-"),
    (text("### Exercise: do it"), "subslide"),
    (code("def mine():\n    return None", nbformat.v4.new_output("stream", text="… Waiting")), "-"),
    (code("# @title Solution", tags=["solution", "hide-input"]), "skip"),
    (text("## Recap\n\n- done"), "slide"),
    (text("## Further reading\n\n- a paper"), "skip"),
]


def test_every_cell_finds_its_place():
    assert slide_types.slide_types([cell for cell, _ in CELLS]) == [kind for _, kind in CELLS]


def test_the_height_of_a_picture_is_read_from_the_png():
    assert (
        slide_types.estimated_height(code("x", picture(417)))
        == slide_types.estimated_height(code("x", picture(400))) + 17
    )


def test_answers_of_a_question_are_closed_and_take_no_room():
    options = "\n".join(f"<details><summary>{letter}. yes</summary>\n\n✗ {{}}\n\n</details>" for letter in "ABC")
    short, long = (text(f"### Question: what?\n\n{options.format(*3 * [why])}") for why in ("No.", "No. " * 200))
    assert slide_types.estimated_height(short) == slide_types.estimated_height(long)


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_no_slide_of_the_series_is_fuller_than_a_screen_unless_it_is_one_cell(path):
    cells = notebooks.read(path).cells
    sheets = []
    for cell in cells:
        kind = cell.metadata.slideshow.slide_type
        if kind in ("slide", "subslide"):
            sheets.append([])
        if kind != "skip":
            sheets[-1].append(slide_types.estimated_height(cell))
    assert all(sum(sheet) <= slide_types.HEIGHT or len(sheet) == 1 for sheet in sheets)
    assert len(sheets) >= 15


def test_a_notebook_becomes_a_page_of_slides(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "FOLDER", tmp_path / "slides")
    notebook = notebooks.normalise(nbformat.v4.new_notebook(cells=[cell for cell, _ in CELLS]))
    notebooks.write(notebook, tmp_path / "01_small.ipynb")
    page = slides.make(tmp_path / "01_small.ipynb")
    html = page.read_text(encoding="utf-8")
    assert page.name == "01_small.slides.html"
    assert "It shows one." in html and "Solution" not in html and "Open in Colab" not in html
    assert "unpkg.com/reveal.js" in html


def test_slides_use_what_lies_beside_them(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "FOLDER", tmp_path / "slides")
    for name in slides.BESIDE.values():
        path = tmp_path / "slides" / "node_modules" / name.partition("?")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name == "reveal.js" else path.write_text("")
    notebooks.write(nbformat.v4.new_notebook(cells=[text("# 01 · A title")]), tmp_path / "01_small.ipynb")
    html = slides.make(tmp_path / "01_small.ipynb").read_text(encoding="utf-8")
    assert "unpkg.com" not in html and "cdnjs.cloudflare.com/ajax/libs/require" not in html
    for name in slides.BESIDE.values():
        assert f"node_modules/{name.partition('?')[0]}" in html, name


def test_an_unknown_notebook_is_named(capsys):
    assert slides.main(["99"]) == 2
    assert "begins with '99'" in capsys.readouterr().err
