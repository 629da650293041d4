"""The texts beside the notebooks: the glossary knows the words, the symptoms lead somewhere, the guide is up to date."""

import re

import pytest

from tests import minutes, notebook_checks, notebooks

LABELS = {"predict:", "time", "you should know", "you will be able to"}
GLOSSARY = notebooks.FOLDER / "GLOSSARY.md"
SYMPTOMS = notebooks.FOLDER / "SYMPTOMS.md"


def known_words() -> set[str]:
    """The entries of the glossary, and what stands in bold in them."""
    text = GLOSSARY.read_text(encoding="utf-8")
    entries = [title for level, title in notebook_checks.headings(text) if level == 3]
    return {word.lower() for word in [*entries, *re.findall(r"\*\*(.+?)\*\*", text.replace("\n", " "))]}


def bold(notebook) -> set[str]:
    """The words in bold in a notebook's text, without the labels of its skeleton."""
    prose = "\n\n".join(notebook_checks.prose(cell) for cell in notebook_checks.markdown_cells(notebook))
    return {" ".join(word.lower().split()) for word in re.findall(r"\*\*([^*]+?)\*\*", prose)} - LABELS


def known(word, words) -> bool:
    """Whether a word or its singular is among the words."""
    return bool({word, word.removesuffix("s"), word.removesuffix("es")} & words)


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_a_word_in_bold_is_in_the_glossary(path):
    words = known_words()
    assert sorted(word for word in bold(notebooks.read(path)) if not known(word, words)) == []


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_every_notebook_links_to_the_glossary_and_the_symptoms(path):
    source = notebook_checks.whole_prose(notebooks.read(path))
    assert "(GLOSSARY.md" in source and "(SYMPTOMS.md" in source


def test_entries_of_the_glossary_stand_once_and_name_a_notebook():
    text = GLOSSARY.read_text(encoding="utf-8")
    entries = re.split(r"(?m)^### ", text)[1:]
    titles = [entry.splitlines()[0] for entry in entries]
    assert len(titles) == len(set(titles)) >= 50
    assert [title for title, entry in zip(titles, entries) if not re.search(r"\]\(0\d_\w+\.ipynb", entry)] == []


def test_symptoms_lead_to_a_heading_of_a_notebook():
    rows = re.findall(r"(?m)^\| \d+ \|.+\|$", SYMPTOMS.read_text(encoding="utf-8"))
    assert len(rows) >= 15
    for row in rows:
        addresses = notebook_checks.LINK.findall(row)
        assert any(re.match(r"(0\d_\w+\.ipynb|\.\./README\.md)#", address) for address in addresses), row


def test_the_guide_holds_todays_minutes():
    assert minutes.stored() == minutes.table(), "run `python -m tests.minutes`"


@pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)
def test_a_notebook_says_how_long_it_takes_to_read(path):
    notebook = notebooks.read(path)
    said = re.search(r"\*\*Time\*\*:? about (\d+) minutes to read", notebook_checks.whole_prose(notebook))
    assert said, "say '**Time**: about N minutes to read'"
    assert int(said[1]) == minutes.minutes(notebook)["read"]


@pytest.mark.parametrize("name", ["GLOSSARY.md", "SYMPTOMS.md", "INSTRUCTORS.md"])
def test_the_readme_names_the_texts(name):
    assert f"(notebooks/{name})" in (notebooks.ROOT / "README.md").read_text(encoding="utf-8")


def test_figures_take_their_colours_from_the_palette():
    for path in (notebooks.ROOT / "utils" / "plots").glob("*.py"):
        colours = re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))
        assert path.stem == "base" or not colours, f"{path.name}: {colours}"
