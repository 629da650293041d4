"""Sections that say they can be started on their own."""

import nbformat.v4 as v4
import pytest

from tests import notebooks, sections


@pytest.mark.parametrize("path", notebooks.find([]), ids=lambda path: path.stem)
def test_a_section_that_can_be_started_needs_no_name_from_above(path):
    for title, cells in sections.parts(notebooks.read(path)).items():
        assert not sections.missing(cells), title


def test_some_sections_can_be_started():
    counts = {path.stem[:2]: len(sections.starts(notebooks.read(path))) for path in notebooks.find([])}
    assert counts["06"] > 3 and counts["08"] > 1, counts


def made(*sources):
    """A notebook of code cells, and of text cells where a source begins with a sharp."""
    cells = [v4.new_markdown_cell(s) if s.startswith("#") else v4.new_code_cell(s) for s in sources]
    return v4.new_notebook(cells=cells)


def test_a_part_is_the_setup_and_all_up_to_the_next_start():
    book = made("# Title", "setup", "imports", "## One", "one", f"## Two\n\n{sections.START}", "two", "## Three", "three",
                f"## Four\n\n{sections.START}", "four")  # fmt: skip
    found = sections.parts(book)
    assert [[cell.source for cell in cells if cell.cell_type == "code"] for cells in found.values()] == [
        ["setup", "imports", "two", "three"],
        ["setup", "imports", "four"],
    ]
    assert list(found) == ["Two", "Four"]


@pytest.mark.parametrize(
    "sources, names",
    [
        (["import numpy as np", "x = np.ones(3)", "print(x)"], set()),
        (["print(x)", "x = 1"], {"x"}),
        (["def f(a):\n    return a + b", "a"], {"a", "b"}),
        (["def f(a):\n    return [a * k for k in range(n)]", "k"], {"k", "n"}),
        (["try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(error)"], set()),
        (["[k for k in range(3)]", "from math import pi as p", "p"], set()),
    ],
)
def test_names_that_nothing_made(sources, names):
    assert sections.missing(made(*sources).cells) == names


def test_no_such_section_is_a_failure(monkeypatch, capsys):
    monkeypatch.setattr(sections, "START", "a sentence that no section holds")
    assert sections.main(["01"]) == 1
    assert "No section" in capsys.readouterr().out


def test_an_unknown_notebook_is_named(capsys):
    assert sections.main(["99"]) == 2
    assert "99" in capsys.readouterr().err
