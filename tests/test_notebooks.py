"""The notebooks hold what every notebook must hold; and each check is shown a bad notebook and sees it."""

import copy

import nbformat
import pytest

from tests import notebook_checks, notebooks

# ---- The notebooks of the series ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", notebook_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_notebook(path, check):
    complaints = check(notebooks.read(path), path)
    assert not complaints, f"{path.name}: {check.__doc__}\n- " + "\n- ".join(complaints)


# ---- A notebook that is as it should be --------------------------------------------------------------------------------

NAME = "01_good.ipynb"
HEAD = f"""\
# 01 · A good notebook

{notebooks.ADDRESS.badges(NAME)}

**You will be able to**
- do one thing ([exercise](#Exercise:-write-it)),
  and say so
- say what it is good for ([question](#Question:-what-for?))
- do it again ([exercise](#Exercise:-write-it))

**Time** 5 minutes. **You should know** [the next one](02_next.ipynb#A-section).
"""
QUESTION = """\
### Question: what for?

What is it good for?

<details><summary>A. For nothing.</summary>

✗ Then it would not be here; look at the picture again.

</details>
<details><summary>B. For this.</summary>

✓ Right. That is what the picture above shows.

</details>
<details><summary>C. For `that`.</summary>

✗ That needs two of them, and here is one.

</details>
"""
STUB = "def mine(x):\n    return None\n\n\nchecks.thing(mine)"


def code(source, *outputs, tags=(), **metadata):
    """A code cell."""
    metadata = metadata | ({"tags": list(tags)} if tags else {})
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def text(source):
    """A markdown cell."""
    return nbformat.v4.new_markdown_cell(source)


def prints(what, name="stdout"):
    """The output of a cell that prints."""
    return nbformat.v4.new_output("stream", name=name, text=what + "\n")


def picture(alt="A red disc.", plain=None):
    """The output of a cell that shows a picture."""
    data = {"image/png": "iVBORw0KGgo=", "text/plain": alt if plain is None else plain}
    return nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": alt}})


@pytest.fixture
def good():
    solution = {"tags": ["solution", "hide-input"], "cellView": "form", "jupyter": {"source_hidden": True}}
    exercise = [
        text("### Exercise: write it"),
        code(STUB, prints("… Waiting for your answer.")),
        code("# @title Solution\nchecks.thing(right)", prints("✓ Right."), **solution),
    ]
    cells = [
        text(HEAD),
        code(notebooks.SETUP, prints("✓ Understanding U-Net is ready.")),
        text("## A section\n\n**Predict:** what? `just = code!`"),
        code("plots.disc()", picture()),
        text("The disc is red.\n\n**Predict:** and now?"),
        code("train()", prints("loss 0.123456"), tags=["nbval-ignore-output"]),
        text("It fell. **Predict:** and then?"),
        *(cell for _ in range(4) for cell in copy.deepcopy(exercise)),
        text(QUESTION),
        text(QUESTION.replace("what for", "why")),
        text("## Recap\n\nDone.\n\n- One thing\n  was done.\n- It is good.\n- Again."),
        text("## What's next\n\nMore."),
        text("## Further reading\n\nA paper."),
    ]
    for k, cell in enumerate(cells):
        cell.id = f"cell-{k}"
    notebook = nbformat.v4.new_notebook(cells=cells)
    for cell in notebooks.code_cells(notebook):
        cell.execution_count = 1
    return notebooks.normalise(notebook)


@pytest.fixture
def path(tmp_path, good):
    notebooks.write(good, tmp_path / NAME)
    (tmp_path / "02_next.ipynb").write_text((tmp_path / NAME).read_text())
    return tmp_path / NAME


def test_a_good_notebook_passes_every_check(good, path):
    assert {check.__name__: check(good, path) for check in notebook_checks.CHECKS} == {
        check.__name__: [] for check in notebook_checks.CHECKS
    }


def test_an_anchor_is_made_of_a_heading_as_it_is_shown(good, path):
    good.cells.insert(2, text("## Why `he_normal`?"))
    notebooks.write(good, path)
    anchors = notebook_checks.anchors(path)
    assert "Why-he_normal?" in anchors and "A-section" in anchors and not any("`" in anchor for anchor in anchors)


# ---- Bad notebooks: one way to spoil a good one, and the check that must see it ----------------------------------------


def find(notebook, part):
    """The first cell whose source holds a text."""
    return next(cell for cell in notebook.cells if part in cell.source)


def edit(old, new):
    """Replace a text in the first cell that holds it."""

    def spoil(notebook):
        cell = find(notebook, old)
        cell.source = cell.source.replace(old, new)

    return spoil


def add(part, *outputs):
    """Add outputs to the first cell whose source holds a text."""
    return lambda notebook: find(notebook, part).outputs.extend(outputs)


def put(part, **values):
    """Set attributes of the first cell whose source holds a text."""
    return lambda notebook: find(notebook, part).update(values)


def tag(part, *tags):
    """Set the tags of the first cell whose source holds a text."""
    return lambda notebook: find(notebook, part).metadata.update(tags=list(tags))


def drop(part):
    """Take away the first cell whose source holds a text."""
    return lambda notebook: notebook.cells.remove(find(notebook, part))


html_picture = nbformat.v4.new_output("display_data", {"text/html": '<img src="a.png" alt=""/>'})
error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"])

SPOILED = [
    ("one_title", "# 01 · A good", "# 02 · A good"),
    ("one_title", "## Recap", "# Recap"),
    ("one_title", "# 01 · A good", "A good"),
    ("headings_in_order", "## A section", "#### A section"),
    ("setup_cell", "project.start()", "project.start()  # now"),
    ("setup_cell", drop("project.start()")),
    ("skeleton", "**You will be able to**", "You will"),
    ("skeleton", "**Time**", "Time"),
    ("skeleton", "**You should know**", "Know"),
    ("skeleton", drop("## Recap")),
    ("skeleton", "## What's next", "## Recap again"),
    ("skeleton", lambda notebook: notebook.cells.insert(1, notebook.cells.pop())),
    ("predictions_exercises_questions", "**Predict:** what?", "What?"),
    ("predictions_exercises_questions", "### Exercise: write it", "### Write it"),
    ("predictions_exercises_questions", "### Question: why?", "### Why?"),
    ("objectives_are_tested", "([question](#Question:-what-for?))", ""),
    ("objectives_are_tested", "#Question:-what-for?", "#A-section"),
    ("objectives_are_tested", "#Question:-what-for?", "02_next.ipynb#Question:-what-for?"),
    ("objectives_are_tested", "\n- Again.", ""),
    ("objectives_are_tested", "- Again.", "- Again.\n- And again."),
    ("objectives_are_tested", "- do it again ([exercise](#Exercise:-write-it))\n", ""),
    ("questions", "### Question: what for?", "### What for?"),
    ("questions", "<summary>C.", "<summary>D."),
    ("questions", "✗ That needs", "✓ That needs"),
    ("questions", "✓ Right.", "✗ Right."),
    ("questions", "✗ That needs", "That needs"),
    ("questions", "✗ That needs two of them, and here is one.", "✗ No."),
    ("questions", "</summary>\n\n✗ That needs", "</summary>✗ That needs"),
    ("questions", lambda notebook: notebook.cells.insert(2, text(f"{QUESTION}\n{QUESTION}"))),
    ("questions", lambda notebook: find(notebook, "what for?").update(source=QUESTION.split("<details><summary>C")[0])),
    ("links", "(02_next.ipynb#A-section)", "(03_nowhere.ipynb)"),
    ("links", "(02_next.ipynb#A-section)", "(02_next.ipynb#Another-section)"),
    ("links", "Done.", '<img src="images/nowhere.png" alt="nothing">'),
    ("badges", f"/notebooks/{NAME})", "/notebooks/02_next.ipynb)"),
    ("badges", f"labpath=notebooks/{NAME}", "labpath=notebooks/02_next.ipynb"),
    ("badges", "https://mybinder.org", "https://example.org"),
    ("badges", f"github/{notebooks.ADDRESS.repository}/", "github/someone/else/"),
    ("badges", f"/{notebooks.ADDRESS.ref}?labpath", "/older?labpath"),
    ("plain_words", "Done.", "It is Simply done."),
    ("plain_words", "Done.", "You just\nrun it."),
    ("plain_words", "Done.", "Obviously done."),
    ("plain_words", "Done.", "Done!"),
    ("plain_words", "Done.", "**Done!** Then more."),
    ("plain_words", "Done.", "Done \U0001f389"),
    ("short_cells", "train()", "\n".join(["train()"] * 31)),
    ("nothing_unfinished", "Done.", "TODO: say it"),
    ("nothing_unfinished", "train()", "train()  # FIXME"),
    ("nothing_unfinished", "Done.", "See github.com/OWNER."),
    ("nothing_unfinished", "train()", "train()  # OWNER"),
    ("nothing_unfinished", "Done.", "See /home/someone/notes."),
    ("nothing_unfinished", add("train()", prints(r"saved C:\Users\someone"))),
    ("executed", put("train()", execution_count=None)),
    ("executed", put("train()", execution_count=9)),
    ("executed", lambda notebook: notebook.cells.append(code("  "))),
    ("no_errors", add("train()", error)),
    ("no_stderr", add("train()", prints("I0000 no GPU", name="stderr"))),
    ("no_warnings", add("train()", prints("DeprecationWarning: old"))),
    ("no_warnings", add("train()", prints("WARNING: all log messages"))),
    ("alt_texts", put("plots.disc()", outputs=[picture(" ")])),
    ("alt_texts", put("plots.disc()", outputs=[picture("A disc.", "<Figure size 640x480 with 1 Axes>")])),
    ("alt_texts", add("plots.disc()", html_picture)),
    ("alt_texts", "Done.", "![](picture.png)"),
    ("figures_are_read", drop("The disc is red.")),
    (
        "enough_is_compared",
        lambda notebook: [c.metadata.update(tags=["nbval-ignore-output"]) for c in notebook.cells],
    ),
    ("known_tags", tag("train()", "nbval-ignore-outputs")),
    ("known_tags", tag("train()", "nbval-skip")),
    ("known_tags", "train()", "# NBVAL_IGNORE_OUTPUT\ntrain()"),
    ("solutions", tag("# @title Solution", "solution")),
    ("solutions", tag("# @title Solution", "hide-input")),
    ("solutions", tag("# @title Solution", "nbval-ignore-output")),
    ("solutions", put("# @title Solution", metadata=nbformat.from_dict({"tags": ["solution", "hide-input"]}))),
    ("solutions", "# @title Solution", "# Solution"),
    ("solutions", put("# @title Solution", outputs=[prints("✗ One too many.")])),
    ("solutions", put("return None", outputs=[prints("✓ Right.")])),
    ("solutions", drop("# @title Solution")),
    ("solutions", drop("return None")),
    ("small_file", add("train()", prints("x" * notebooks.FILE_BYTES))),
    ("stored_by_us", lambda notebook: notebook.metadata.kernelspec.update(name="my-env")),
    ("stored_by_us", lambda notebook: notebook.metadata.language_info.update(version="3.13.1")),
    ("stored_by_us", lambda notebook: find(notebook, "train()").metadata.update(execution={"iopub": "2026"})),
]


def test_every_check_is_shown_a_bad_notebook():
    assert {row[0] for row in SPOILED} == {check.__name__ for check in notebook_checks.CHECKS}


@pytest.mark.parametrize("row", SPOILED, ids=lambda row: row[0])
def test_a_bad_notebook_is_seen(row, good, path):
    name, *how = row
    spoil = how[0] if len(how) == 1 else edit(*how)
    spoil(good)
    check = next(check for check in notebook_checks.CHECKS if check.__name__ == name)
    complaints = check(good, path)
    assert complaints and all(isinstance(complaint, str) for complaint in complaints)


def test_code_formulas_and_addresses_are_not_prose(good, path):
    edit("Done.", "`just` and [x](https://example.org/just/it!), $n! = 6$\n\n```\nsimply!\n```\n\nNext!=last.")(good)
    assert notebook_checks.plain_words(good, path) == []


def test_addresses_and_relative_paths_are_not_machine_paths(good, path):
    edit("Done.", "https://example.org/home/page, data/opt/x, and/or, 1/2")(good)
    assert notebook_checks.nothing_unfinished(good, path) == []


# ---- Reading, finding, storing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "compared"),
    [
        (code("x", prints("1")), True),
        (code("x", picture()), True),
        (code("x", nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})), False),
        (code("x", prints("1"), tags=["nbval-ignore-output"]), False),
        (code("x", prints("1"), tags=["nbval-skip"]), False),
        (code("# NBVAL_IGNORE_OUTPUT\nx", prints("1")), False),
        (code("x", prints("1"), tags=["solution"]), True),
        (code("x"), False),
    ],
)
def test_a_cell_counts_as_compared_only_if_nbval_compares_it(cell, compared):
    cell.execution_count = 1
    assert notebooks.is_compared(cell) is compared


def test_a_cell_that_was_never_executed_is_not_compared():
    assert notebooks.is_compared(code("x", prints("1"))) is False


def test_cells_with_output_are_counted_as_compared_or_exempt(good):
    assert notebooks.compared_and_exempt(good) == (10, 1)


def test_notebooks_are_found_by_the_beginning_of_their_names(path):
    folder = path.parent
    assert [p.name for p in notebooks.find([], folder)] == [NAME, "02_next.ipynb"]
    assert [p.name for p in notebooks.find(["02", "01", "02"], folder)] == ["02_next.ipynb", NAME], (
        "in the order asked for"
    )
    assert [p.name for p in notebooks.find(["02"], folder)] == ["02_next.ipynb"]
    assert [p.name for p in notebooks.find(["notebooks/01_good.ipynb"], folder)] == [NAME]
    with pytest.raises(ValueError, match="begins with '07'.*01_good.ipynb, 02_next.ipynb"):
        notebooks.find(["01", "07"], folder)


def test_a_notebook_is_written_as_it_was_read(good, path):
    before = path.read_bytes()
    notebooks.write(notebooks.read(path), path)
    assert path.read_bytes() == before
    assert before.endswith(b"}\n") and b'\n "cells"' in before
    assert sorted(p.name for p in path.parent.iterdir()) == [NAME, "02_next.ipynb"]


def test_normalising_keeps_ids_and_hides_solutions(good):
    raw = copy.deepcopy(good)
    raw.metadata = nbformat.from_dict({"kernelspec": {"name": "my-env"}, "widgets": {}})
    for k, cell in enumerate(notebooks.code_cells(raw)):
        cell.execution_count = 10 + k
        cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
        cell.metadata.pop("jupyter", None)
    assert notebooks.normalise(raw) == good


def test_normalising_leaves_the_still_picture_of_what_can_be_moved(good):
    raw = copy.deepcopy(good)
    data = find(raw, "plots.disc()").outputs[0].data
    data[notebooks.WIDGET] = {"model_id": "0123", "version_major": 2, "version_minor": 0}
    assert notebooks.normalise(raw) == good


@pytest.mark.parametrize(("given", "seconds"), [("", 240), ("600", 600), ("0", 0)])
def test_the_budget_of_time_is_a_variable(given, seconds, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET", given)
    assert notebooks.time_budget() == seconds


@pytest.mark.parametrize("given", ["long", "-1", "inf", "nan"])
def test_a_budget_of_time_that_is_no_number_is_refused(given, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET", given)
    with pytest.raises(ValueError, match=f"TIME_BUDGET is '{given}'"):
        notebooks.time_budget()
