"""The notebooks hold what every notebook must hold; and each check is shown a notebook that was spoiled, and sees it."""

import copy

import nbformat.v4 as v4
import pytest

from scripts import notebook_checks, notebooks

BOOKS = {path: notebooks.read(path) for path in notebooks.find()}
PATH, QUICKSTART = notebooks.find(["01", "00"])


@pytest.mark.parametrize("check", notebook_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_notebook(path, check):
    complaints = check(BOOKS[path], path)
    assert not complaints, f"{path.name}: {check.__doc__}\n- " + "\n- ".join(complaints)


# ---- One way to spoil a notebook, and the check that must see it -------------------------------------------------------


def cell(notebook, part):
    """The first cell whose source holds a text."""
    return next(cell for cell in notebook.cells if part in cell.source)


def edit(part, old, new):
    """Replace a text in the first cell that holds another."""
    return lambda book: cell(book, part).update(source=cell(book, part).source.replace(old, new))


def say(words):
    """Add words to the recap."""
    return edit("## Recap", "## Recap", f"## Recap\n\n{words}")


def add(kind, **content):
    """Add an output to the first code cell."""
    return lambda book: cell(book, "project.start()").outputs.append(v4.new_output(kind, **content))


def shown(change):
    """Do something to the first output that holds a picture."""
    pictures = notebook_checks.pictures
    return lambda book: change(next(out for one in notebooks.code_cells(book) for _, out in pictures(one)))


def tag(*tags):
    """Set the tags of the first solution."""
    return lambda book: cell(book, "# @title Solution").metadata.update(tags=list(tags))


def drop(part):
    """Take away the first cell whose source holds a text."""
    return lambda book: book.cells.remove(cell(book, part))


SPOILED = [
    ("one_title", edit("## Recap", "## Recap", "# Recap")),
    ("headings_in_order", edit("## ", "## ", "#### ")),
    ("setup_cell", edit("project.start()", "project.start()", "project.start()  # now")),
    ("skeleton", drop("## Recap")),
    ("skeleton", lambda book: book.cells.insert(1, book.cells.pop())),
    ("quickstart", edit("import plots, shapes", "plots, shapes", "plots, shapes, unet")),
    ("quickstart", edit("## What's next", "What's next", "What is next")),
    ("quickstart", edit("## Draw", "## Draw", "And so on. " * 100 + "\n\n## Draw")),
    ("quickstart", edit("model.compile", "model.compile", "head = layers.ReLU()\nmodel.compile")),
    ("predictions_exercises_questions", lambda book: [one.update(source=one.source.lower()) for one in book.cells]),
    ("objectives_are_tested", edit("](#Exercise:-", "](#Exercise:-", "](#The-")),
    ("objectives_are_tested", say("- One more.\n\n")),
    ("questions", edit("### Question: ", "### Question: ", "### ")),
    ("questions", edit("### Question: ", "✗", "✓")),
    ("questions", edit("### Question: ", "✓ ", "✓ Yes.\n\n</details>\n")),
    ("links", say("[next](03_nowhere.ipynb)")),
    ("links", say("[next](02_data.ipynb#Nowhere)")),
    ("badges", edit("mybinder", f"labpath=notebooks/{PATH.name}", "labpath=notebooks/02_data.ipynb")),
    ("badges", edit("mybinder", f"github/{notebooks.ADDRESS.repository}/", "github/someone/else/")),
    ("plain_words", say("You just\nrun it.")),
    ("plain_words", say("**Done!** Then more.")),
    ("short_cells", edit("# @title Solution", "\n", "\n\n1\n" * 31)),
    ("nothing_unfinished", say("See github.com/OWNER.")),
    ("nothing_unfinished", add("stream", text="saved /home/someone/notes")),
    ("executed", lambda book: cell(book, "project.start()").update(execution_count=9)),
    ("no_errors", add("error", ename="ValueError", evalue="no", traceback=[])),
    ("no_stderr", add("stream", name="stderr", text="I0000 no GPU")),
    ("no_warnings", add("stream", text="DeprecationWarning: old")),
    ("alt_texts", shown(lambda output: output.metadata.clear())),
    ("alt_texts", shown(lambda output: output.data.update({"text/plain": "<Figure size 640x480 with 1 Axes>"}))),
    ("alt_texts", say('<img src="../notebooks" alt="">')),
    ("figures_are_read", lambda book: [book.cells.remove(one) for one in notebook_checks.markdown_cells(book)]),
    ("enough_is_compared", lambda book: [one.metadata.update(tags=[notebooks.EXEMPT]) for one in book.cells]),
    ("tolerances", lambda book: cell(book, "project.start()").metadata.update(tolerance=0)),
    ("tolerances", lambda book: cell(book, "project.start()").metadata.update(tolerance="about 5 %")),
    ("tolerances", lambda book: cell(book, "project.start()").metadata.update(tolerance=0.1, tags=[notebooks.EXEMPT])),
    ("known_tags", tag("nbval-skip")),
    ("known_tags", edit("project.start()", "import sys", "# NBVAL_IGNORE_OUTPUT")),
    ("solutions", tag("solution")),
    ("solutions", drop("# @title Solution")),
    ("solutions", lambda book: cell(book, "# @title Solution").outputs.clear()),
    ("small_file", add("stream", text="x" * notebooks.FILE_BYTES)),
    ("stored_by_us", lambda book: cell(book, "project.start()").metadata.update(execution={"iopub": "2026"})),
]


def test_every_check_is_shown_a_bad_notebook():
    assert {name for name, _ in SPOILED} == {check.__name__ for check in notebook_checks.CHECKS}


@pytest.mark.parametrize(("name", "spoil"), SPOILED)
def test_a_bad_notebook_is_seen(name, spoil):
    path = QUICKSTART if name == "quickstart" else PATH
    book, check = copy.deepcopy(BOOKS[path]), getattr(notebook_checks, name)
    before = check(book, path)
    spoil(book)
    assert len(check(book, path)) > len(before)


# ---- Reading, finding, storing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "tags", "compared"),
    [
        ({"text/plain": "1"}, [], True),
        ({"image/png": "iVBORw0KGgo="}, [], False),
        ({"text/plain": "1"}, [notebooks.EXEMPT], False),
    ],
)
def test_a_cell_counts_as_compared_only_if_nbval_compares_it(output, tags, compared):
    outputs = [v4.new_output("display_data", output)]
    assert (
        notebooks.is_compared(v4.new_code_cell("x", outputs=outputs, execution_count=1, metadata={"tags": tags}))
        is compared
    )


def test_notebooks_are_found_by_the_beginning_of_their_names():
    assert [path.name[:2] for path in notebooks.find(["02", f"notebooks/{PATH.name}", "02"])] == ["02", "01"]
    with pytest.raises(SystemExit, match="begins with '77'; there are: .*01_architecture.ipynb"):
        notebooks.find(["01", "77"])


def test_a_notebook_is_written_as_it_was_read(tmp_path):
    notebooks.write(BOOKS[PATH], tmp_path / "x.ipynb")
    assert (tmp_path / "x.ipynb").read_bytes() == PATH.read_bytes() and len(list(tmp_path.iterdir())) == 1


def test_the_alternative_text_of_a_cell_goes_to_its_picture():
    book = copy.deepcopy(BOOKS[PATH])
    one = next(
        each for each in notebooks.code_cells(book) if any("image/png" in o.get("data", {}) for o in each.outputs)
    )
    one.metadata["alt"] = "Two discs."
    again = notebooks.normalise(book)
    [changed] = [each for each in again.cells if each.id == one.id]
    [(_, picture)] = notebook_checks.pictures(changed)
    assert picture.metadata["image/png"] == {"alt": "Two discs."} and changed.metadata.alt == "Two discs."
    assert [o.get("data") for o in changed.outputs] == [o.get("data") for o in one.outputs]
    assert notebook_checks.alt_texts(again, PATH) == []


def test_the_series_is_compared_strictly():
    assert notebooks.strict_share(*BOOKS.values()) >= notebooks.STRICT_SHARE_OF_ALL
    assert (
        notebooks.strict_share(BOOKS[PATH], v4.new_notebook()) <= 1 and notebooks.strict_share(v4.new_notebook()) == 0
    )


def test_normalising_keeps_ids_tags_and_stills_and_hides_solutions():
    raw, good = copy.deepcopy(BOOKS[PATH]), notebooks.normalise(BOOKS[PATH])
    raw.metadata["widgets"] = {}
    for k, one in enumerate(notebooks.code_cells(raw)):
        one.execution_count = 10 + k
        one.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
        one.metadata.pop("jupyter", None)
    shown(lambda output: output.data.update({notebooks.WIDGET: {"model_id": "0123"}}))(raw)
    assert notebooks.normalise(raw) == good
    assert [notebooks.tags(one) for one in good.cells] == [notebooks.tags(one) for one in raw.cells]
    assert cell(good, "# @title Solution").metadata.jupyter == {"source_hidden": True}


@pytest.mark.parametrize(
    ("version", "told"), [("2.21.0", True), ("2.20.1", True), ("2.19.0", False), ("2.22.0", False)]
)
def test_xla_is_told_only_what_it_knows(version, told, tmp_path, monkeypatch):
    (tmp_path / "environment").write_text("# why\nMALLOC_ARENA_MAX=2\n\nXLA_FLAGS=--xla_a=false\n")
    monkeypatch.setattr(notebooks, "tensorflow_version", lambda: version)
    expected = {"MALLOC_ARENA_MAX": "2"} | ({"XLA_FLAGS": "--xla_a=false"} if told else {})
    assert notebooks.small_machine(tmp_path / "environment") == expected
