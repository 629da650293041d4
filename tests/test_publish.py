"""The public address is stored in one place, and publishing writes it into all others and changes nothing else."""

import pytest

from scripts import notebooks, publish
from scripts.address import Address

HERE, THERE = notebooks.ADDRESS, Address("some-one/u.net_2", "v2.0")
FILES = publish.contents(notebooks.ROOT)
NAMES = [path.name for path in notebooks.find()]


def test_every_place_holds_the_address():
    assert list(publish.changes(FILES, HERE)) == [], "run `make publish`"
    for name in NAMES:
        assert f"[Colab]({HERE.colab(name)}) · [Binder]({HERE.binder(name)})" in FILES["README.md"]
    assert all(HERE.url in FILES[name] for name in ("CITATION.cff", "README.md", "CONTRIBUTING.md"))


def test_publishing_changes_every_place_and_nothing_else_and_back_restores_every_byte():
    changed = publish.changes(FILES, THERE)
    assert {"README.md", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml"} <= set(changed)
    assert {f"notebooks/{name}" for name in NAMES} <= set(changed)
    assert not any("github.com/OWNER" in (FILES | changed)[name] for name in FILES)
    for name, text in changed.items():
        assert HERE.repository not in text and (THERE.repository in text or THERE.site in text), name
        if name.endswith(".md"):
            back = text.replace(THERE.repository, HERE.repository).replace(THERE.site, HERE.site)
            assert back.replace(f"/{THERE.ref}", f"/{HERE.ref}") == FILES[name]
    for name in NAMES:
        assert THERE.badges(name) in changed[f"notebooks/{name}"] and "-b v2.0 " in changed[f"notebooks/{name}"]
    published = FILES | changed
    assert publish.changes(published, THERE) == {}, "twice is once"
    assert published | publish.changes(published, HERE) == FILES


def test_a_copied_notebook_and_a_new_row_of_the_map_get_their_own_badges():
    row = "| [99 new](notebooks/99_new.ipynb) | Which? | a thing |"
    copied = {"README.md": f"{FILES['README.md']}\n{row}\n", "notebooks/99_new.ipynb": FILES[f"notebooks/{NAMES[0]}"]}
    changed = publish.changes(FILES | copied, HERE)
    assert set(changed) == set(copied) and HERE.badges("99_new.ipynb") in changed["notebooks/99_new.ipynb"]
    assert f"{row} [Colab]({HERE.colab('99_new.ipynb')})" in changed["README.md"]


def test_a_notebook_without_a_place_for_the_address_is_named():
    text = FILES[f"notebooks/{NAMES[0]}"]
    for spoiled, said in (("mybinder.org", "badge"), ("project.start()", "setup cell")):
        with pytest.raises(ValueError, match=f"x.ipynb needs .*{said}"):
            publish.in_notebook(text.replace(spoiled, "x"), "x.ipynb", HERE)


@pytest.mark.parametrize(
    "repository", ["", "name", "owner/", "https://github.com/owner/name", "owner/name.git", "owner/$(x)"]
)
def test_an_address_that_is_none_is_refused(repository):
    with pytest.raises(ValueError, match="give its owner and its name"):
        Address(repository)


@pytest.mark.parametrize("ref", ["", "a b", "feature/x", "-b", "a..b"])
def test_a_branch_that_badges_cannot_open_is_refused(ref):
    with pytest.raises(ValueError, match="not a branch or tag"):
        Address("owner/name", ref)


def test_only_the_address_is_replaced_in_a_text():
    text = "a/b github.com/a/b, github.com/a/b-c github.com/a/b/blob/main/x github.com/a/b/blob/mainly gh/a/b/main?"
    expected = "a/b github.com/c/d, github.com/a/b-c github.com/c/d/blob/v1/x github.com/c/d/blob/mainly gh/a/b/main?"
    assert publish.in_text(text, Address("a/b"), Address("c/d", "v1")) == expected
    site = "a.github.io/b https://a.github.io/b/x.html"
    assert publish.in_text(site, Address("a/b"), Address("C/d")) == "a.github.io/b https://c.github.io/d/x.html"
