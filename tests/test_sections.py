"""Sections that say they can be started on their own need no name from above."""

import builtins
import symtable

import nbformat.v4 as v4
import pytest

from scripts import notebooks, sections


def missing(cells):
    """The names that code cells use although no cell before, nor they themselves, make them."""
    made, lacking = {*dir(builtins), "get_ipython"}, set()
    for cell in cells:
        if cell.cell_type == "code":
            whole = symtable.symtable(notebooks.python(cell.source), "cell", "exec")
            made |= {one.get_name() for one in whole.get_symbols() if one.is_assigned() or one.is_imported()}
            lacking |= used(whole) - made
    return lacking


def used(scope):
    """The names of the notebook that a cell, or a function or class in it, uses."""
    top = scope.get_type() == "module"
    names = {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (top or one.is_global())}
    return names.union(*map(used, scope.get_children()))


@pytest.mark.parametrize("path", notebooks.find([]), ids=lambda path: path.stem)
def test_a_section_that_can_be_started_needs_no_name_from_above(path):
    found = sections.parts(notebooks.read(path))
    assert {title: missing(cells) for title, cells in found.items() if missing(cells)} == {}
    assert len(found) > {"06": 3, "08": 1}.get(path.stem[:2], -1)


def made(*sources):
    """A notebook of code cells, and of text cells where a source begins with a sharp."""
    return v4.new_notebook(cells=[(v4.new_markdown_cell if s[0] == "#" else v4.new_code_cell)(s) for s in sources])


def test_a_part_is_the_setup_and_all_up_to_the_next_start():
    start = f"\n\n{sections.START}"
    book = made(
        "# T", "setup", "imports", "## 1", "one", f"## 2{start}", "two", "## 3", "three", f"## 4{start}", "four"
    )
    found = {
        title: [cell.source for cell in cells if cell.source[0] != "#"] for title, cells in sections.parts(book).items()
    }
    assert found == {"2": ["setup", "imports", "two", "three"], "4": ["setup", "imports", "four"]}


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["import numpy as np", "x = np.ones(3)", "[x for k in range(3)]", "from math import pi as p", "p"], set()),
        (["print(x)", "x = 1"], {"x"}),
        (["def f(a):\n    return [a * k + b for k in range(n)]", "k"], {"b", "k", "n"}),
        (["try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(error)"], set()),
    ],
)
def test_names_that_nothing_made(sources, names):
    assert missing(made(*sources).cells) == names
