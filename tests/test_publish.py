"""The public address stands in one place, and publishing writes it into all others and changes nothing else."""

import re

import pytest

from tests import address, launch, notebooks, publish
from tests.address import Address

HERE = notebooks.ADDRESS
ELSEWHERE = Address("some-one/u.net_2")
NAMES = [path.name for path in notebooks.find()]


@pytest.fixture
def copied(tmp_path):
    """A copy of the repository."""
    return launch.copy(tmp_path / "copy")


def contents(root):
    """The bytes of every file."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ---- This repository ---------------------------------------------------------------------------------------------------


def test_every_place_holds_the_address():
    late = [path.name for path in publish.changes(notebooks.ROOT, HERE)]
    assert late == [], "run `make publish`"


@pytest.mark.parametrize("name", NAMES)
def test_the_map_opens_every_notebook_elsewhere(name):
    readme = (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"[Colab]({HERE.colab(name)}) · [Binder]({HERE.binder(name)})" in readme


def test_no_text_leads_to_another_copy_of_the_series():
    assert_all_lead_to(notebooks.ROOT, HERE)


def assert_all_lead_to(root, there):
    """Every address in a copy of the series leads to one repository."""
    hosts = "colab.research.google.com/github|mybinder.org/v2/gh|codespaces.new"
    hosts += f"|github.com(?=/[^/]+/(?:understanding-unet|{re.escape(there.repository.split('/')[1])}))"
    count = 0
    for path in [*publish.texts(root), *notebooks.find(folder=root / "notebooks"), root / "utils" / "project.py"]:
        for found in re.finditer(rf"(?:{hosts})/([\w.-]+/[\w.-]*\w)", path.read_text(encoding="utf-8")):
            assert found[1].removesuffix(".git") == there.repository, path
            count += 1
    assert count > 2 * len(NAMES)


@pytest.mark.parametrize("name", ["CITATION.cff", "README.md", "CONTRIBUTING.md"])
def test_texts_that_need_the_address_have_it(name):
    assert HERE.url in (notebooks.ROOT / name).read_text(encoding="utf-8")


# ---- Publishing a copy -------------------------------------------------------------------------------------------------


def test_publishing_a_copy_changes_the_address_and_nothing_else(copied):
    before = contents(copied)
    changed = publish.publish(copied, Address(ELSEWHERE.repository, HERE.ref))
    after = contents(copied)
    assert {copied / name for name in before if before[name] != after[name]} == set(changed)
    assert {path.name for path in changed} >= {"README.md", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml", *NAMES}
    old, new = HERE.repository.encode(), ELSEWHERE.repository.encode()
    assert after.keys() == before.keys()
    for name in after:
        expected = before[name] if name.endswith(".py") else before[name].replace(old, new)
        assert after[name] == expected, name
    assert address.stored(copied).repository == ELSEWHERE.repository
    assert_all_lead_to(copied, ELSEWHERE)


def test_publishing_a_branch_changes_what_opens_it_and_publishing_back_restores_every_byte(copied):
    before = contents(copied)
    there = Address(ELSEWHERE.repository, "v2.0")
    publish.publish(copied, there)
    assert publish.publish(copied, there) == [], "twice is once"
    for name in NAMES:
        notebook = notebooks.read(copied / "notebooks" / name)
        assert any(there.badges(name) in cell.source for cell in notebook.cells)
        setup = notebooks.code_cells(notebook)[0]
        assert setup.source == there.setup_cell() and "-b v2.0 " in setup.source and there.url in setup.source
    readme = (copied / "README.md").read_text(encoding="utf-8")
    assert f"{there.repository}/v2.0?" in readme and f"{there.repository}/{HERE.ref}?" not in readme
    publish.publish(copied, HERE)
    assert contents(copied) == before


def test_the_older_form_of_a_notebook_becomes_todays(copied):
    path = copied / "notebooks" / NAMES[0]
    notebook = notebooks.read(path)
    badge = next(cell for cell in notebook.cells if "colab.research" in cell.source)
    badge.source = badge.source.replace(HERE.badges(NAMES[0]), Address("OWNER/older").badges("02_other.ipynb"))
    notebooks.code_cells(notebook)[
        0
    ].source = "import sys\nroot = '..'\nsys.path.insert(0, str(root))\n\nfrom utils import project\n\nproject.start()"
    today = path.read_bytes()
    notebooks.write(notebook, path)
    assert publish.publish(copied, HERE) == [path]
    assert path.read_bytes() == today


def test_a_row_that_is_new_on_the_map_gets_its_links(copied):
    readme = copied / "README.md"
    text = readme.read_text(encoding="utf-8")
    row = "| [99 new](notebooks/99_new.ipynb) | Which? | a thing |"
    readme.write_text(text.replace("|---|---|---|---|\n", f"|---|---|---|---|\n{row}\n", 1), encoding="utf-8")
    assert publish.publish(copied, HERE) == [readme]
    links = f" [Colab]({HERE.colab('99_new.ipynb')}) · [Binder]({HERE.binder('99_new.ipynb')}) |\n"
    assert f"{row}{links}" in readme.read_text(encoding="utf-8")


# ---- What is wrong is said ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "repository",
    ["", "name", "owner/", "/name", "owner name", "owner/a b", "https://github.com/owner/name", "owner/name.git", "a/b/c",
     "-owner/name", "owner/..", "owner/$(name)"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(repository):
    with pytest.raises(ValueError, match="give its owner and its name"):
        Address(repository)


@pytest.mark.parametrize("ref", ["", "a b", "feature/x", "-b", "a..b", "x;y", "main.lock"])
def test_a_branch_that_badges_cannot_open_is_refused(ref):
    with pytest.raises(ValueError, match="not a branch or tag"):
        Address("owner/name", ref)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--repo", "a b"], "'a b' is not the address"), (["--repo", "a/b", "--ref", "c d"], "'c d' is not a branch")],
)
def test_the_command_refuses_a_wrong_address_and_writes_nothing(arguments, said, copied, capsys):
    before = contents(copied)
    assert publish.main(arguments, root=copied) == 2
    assert said in capsys.readouterr().err and contents(copied) == before


def test_the_command_names_what_it_changed(copied, capsys):
    assert publish.main([], root=copied) == 0
    assert capsys.readouterr().out == f"{HERE.url}, {HERE.ref}: no files changed.\n"
    assert publish.main(["--repo", ELSEWHERE.repository], root=copied) == 0
    said = capsys.readouterr().out.splitlines()
    assert "notebooks/" + NAMES[0] in said and re.fullmatch(
        rf"{ELSEWHERE.url}, {HERE.ref}: {len(said) - 1} files changed.", said[-1]
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda nb: nb.cells.remove(next(c for c in nb.cells if "mybinder" in c.source)),
            "needs one cell with a badge",
        ),
        (lambda nb: nb.cells.remove(notebooks.code_cells(nb)[0]), "needs the setup cell"),
        (lambda nb: [nb.cells.remove(cell) for cell in notebooks.code_cells(nb)], "needs the setup cell"),
    ],
    ids=["badges", "setup cell", "no code at all"],
)
def test_a_notebook_without_a_place_for_the_address_stops_it_before_anything_is_written(spoil, said, copied):
    path = copied / "notebooks" / NAMES[-1]
    notebook = notebooks.read(path)
    spoil(notebook)
    notebooks.write(notebook, path)
    before = contents(copied)
    with pytest.raises(ValueError, match=f"{NAMES[-1]} {said}"):
        publish.publish(copied, ELSEWHERE)
    assert contents(copied) == before


def test_settings_without_the_table_are_named():
    with pytest.raises(ValueError, match=r"\[tool.understanding-unet\]"):
        publish.in_settings("[tool.ruff]\nrepository = 'x'\n", ELSEWHERE)


def test_only_the_address_is_replaced_in_a_text():
    old, new = Address("a/b"), Address("c/d", "v1")
    text = "a/b github.com/a/b, github.com/a/b-c github.com/a/b/blob/main/x github.com/a/b/blob/mainly gh/a/b/main?"
    assert publish.in_text(text, old, new) == text.replace("github.com/a/b,", "github.com/c/d,").replace(
        "github.com/a/b/blob/main/x", "github.com/c/d/blob/v1/x"
    ).replace("github.com/a/b/blob/mainly", "github.com/c/d/blob/mainly")
