"""The texts beside the notebooks: the glossary knows the words, the symptoms lead somewhere, the guide is up to date."""

import re

import pytest

from scripts import minutes, notebook_checks, notebooks

LABELS = {"predict:", "time", "you should know", "you will be able to", "you will see", "try it:"}
GLOSSARY = (notebooks.FOLDER / "GLOSSARY.md").read_text(encoding="utf-8")
SYMPTOMS = (notebooks.FOLDER / "SYMPTOMS.md").read_text(encoding="utf-8")
ENTRIES = re.split(r"(?m)^### ", GLOSSARY)[1:]
each_notebook = pytest.mark.parametrize("path", notebooks.find(), ids=lambda path: path.stem)


@each_notebook
def test_a_word_in_bold_is_in_the_glossary(path):
    known = [entry.splitlines()[0] for entry in ENTRIES] + re.findall(r"\*\*(.+?)\*\*", GLOSSARY.replace("\n", " "))
    known = {word.lower() for word in known} | LABELS
    prose = "\n\n".join(map(notebook_checks.prose, notebook_checks.markdown_cells(notebooks.read(path))))
    bold = {" ".join(word.lower().split()) for word in re.findall(r"\*\*([^*]+?)\*\*", prose)}
    assert {word for word in bold if not {word, word.removesuffix("s"), word.removesuffix("es")} & known} == set()


@each_notebook
def test_every_notebook_says_how_long_it_takes_and_links_to_the_glossary_and_the_symptoms(path):
    source = notebook_checks.whole_prose(notebooks.read(path))
    assert "(GLOSSARY.md" in source and "(SYMPTOMS.md" in source
    said = re.search(r"\*\*Time\*\*:? about (\d+) minutes to read", source)
    assert int(said[1]) == minutes.minutes(notebooks.read(path))["read"]


def test_entries_of_the_glossary_stand_once_and_name_a_notebook():
    titles = [entry.splitlines()[0] for entry in ENTRIES]
    assert len(titles) == len(set(titles)) >= 50
    assert [entry for entry in ENTRIES if not re.search(r"\]\(\d\d_\w+\.ipynb", entry)] == []


def test_symptoms_lead_to_a_heading_of_a_notebook():
    rows = re.findall(r"(?m)^\| \d+ \|.+\|$", SYMPTOMS)
    assert len(rows) >= 15
    assert [row for row in rows if not re.search(r"\]\((\d\d_\w+\.ipynb|\.\./README\.md)#", row)] == []


def test_the_guide_holds_todays_minutes():
    assert minutes.stored() == minutes.table(), "run `python -m scripts.minutes`"


def test_figures_take_their_colours_from_the_palette():
    files = [path for path in (notebooks.ROOT / "utils" / "plots").glob("*.py") if path.stem != "base"]
    assert [path.name for path in files if re.search(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))] == []
