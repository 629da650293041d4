"""The book: what is prepared for it, and, where `make site` has built them, its pages. Each check is shown a wrong page."""

import functools
import io
import json
import os
import re
import shutil

import pytest
from PIL import Image

from scripts import notebook_checks, notebooks, site
from scripts.address import Address

MEMBERS, PUBLIC = {*site.pages()}, notebooks.ADDRESS
BOOKS = {
    path: site.book_notebook(json.loads(path.read_text("utf-8")), path, MEMBERS, PUBLIC) for path in notebooks.find()
}
PATH = next(iter(notebooks.find(["04"])))


@functools.cache
def pages():
    """The built pages."""
    return site.built()


def built():
    """The built pages, if they are there and no older than what they are made of."""
    made = site.SITE / "print.html"
    newest = max(path.stat().st_mtime for path in [*MEMBERS, site.FRONT, site.ROOT / "README.md"])
    if not made.exists() or made.stat().st_mtime < newest:
        pytest.skip("`make site` has not built these pages")
    return pages()


# ---- Preparing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("#Question:-the-curves-part", "#question-the-curves-part"),
        ("02_data.ipynb#Dice-above-1-and-a-loss-below-0", "02_data.ipynb#dice-above-1-and-a-loss-below-0"),
        ("05_visualizing.ipynb#Why-do-my-tiles-have-seams?", "05_visualizing.ipynb#why-do-my-tiles-have-seams"),
        ("../data/benchmarks.md", "../data/benchmarks.md"),
        ("images/result.png", "images/result.png"),
        ("../README.md#a-b", "https://github.com/a/b/blob/v1/README.md#a-b"),
        ("../utils", "https://github.com/a/b/tree/v1/utils"),
        ("https://arxiv.org/abs/1505.04597#X", "https://arxiv.org/abs/1505.04597#X"),
    ],
)
def test_a_link_leads_to_the_books_heading_or_to_github(link, there):
    assert site.book_link(link, PATH, MEMBERS, Address("a/b", "v1")) == there


def test_links_in_code_stay():
    text = "[a](#B-c) `[a](#B-c)`\n\n```\n[a](#B-c)\n```\n"
    assert site.book_text(text, PATH, MEMBERS, PUBLIC) == text.replace("#B-c", "#b-c", 1)


def test_every_picture_gets_its_own_alternative_text_and_file():
    for path, (book, files) in BOOKS.items():
        stored = [output for cell in notebooks.code_cells(notebooks.read(path)) for output in cell.outputs]
        alts = [
            output.metadata[kind].alt for output in stored for kind in output.get("data", {}) if kind[:6] == "image/"
        ]
        tags = [out["data"]["text/html"] for cell in book["cells"] for out in cell.get("outputs", ()) if "data" in out]
        shown = [picture for tag in tags for picture in site.Page(tag).pictures]
        assert [picture["alt"] for picture in shown] == alts and [picture["src"] for picture in shown] == [
            one for one in files if "still" not in one
        ]
        assert all({"width", "height", "loading"} <= set(picture) for picture in shown), path.name


def test_a_picture_that_moves_has_a_still_one_for_readers_who_want_no_motion():
    moving = {name: image for _, files in BOOKS.values() for name, image in files.items() if b"acTL" in image[:1000]}
    files = {name: image for _, files in BOOKS.values() for name, image in files.items()}
    assert moving, "none moves: this test shows nothing"
    for name, image in moving.items():
        both = [Image.open(io.BytesIO(one)) for one in (image, files[name.replace(".png", "-still.png")])]
        assert [one.n_frames > 1 for one in both] == [True, False]
        assert both[0].convert("RGB").tobytes() == both[1].convert("RGB").tobytes()


def test_solutions_and_setup_are_folded_and_badges_are_left_out():
    for path, (book, _) in BOOKS.items():
        sources = ["".join(cell["source"]) for cell in book["cells"]]
        folded = [
            cell["metadata"]["mystnb"]["code_prompt_show"] for cell in book["cells"] if "tags" in cell["metadata"]
        ]
        stored = notebooks.read(path)
        assert folded.count("Solution") == sum("solution" in notebooks.tags(cell) for cell in stored.cells)
        assert folded[0].startswith("Setup") and not re.search("@title|mybinder.org", "".join(sources))


def test_the_front_page_lists_every_chapter_once():
    text = site.front(site.FRONT.read_text("utf-8"), site.series())
    for path in MEMBERS:
        name = path.relative_to(site.ROOT).with_suffix("").as_posix()
        assert text.count(f"<{name}>\n") == 1, name
    assert all(f"](notebooks/{path.name})\n  *" in text for path in notebooks.find())


def test_notebooks_to_come_need_only_their_row_in_readme():
    rows = [(str(k), f"name {k}", f"{k}_name", "Why?", "much") for k in range(11, 15)]
    there = [row for row in site.series() if row[0] < "11"]
    text = site.front("<!-- map -->", [*there, *rows])
    for part, numbers in {"Since then": (11, 12), "In use": (13, 14)}.items():
        tree = text.split(f":caption: {part}\n\n")[1].split("\n```")[0]
        assert tree.splitlines() == [f"{k} name {k} <notebooks/{k}_name>" for k in numbers]
        assert f"### {part}\n\n- [{numbers[0]} name" in text


# ---- Built pages -------------------------------------------------------------------------------------------------------


def test_built_pages_are_right():
    assert built() and site.complaints() == []


def test_built_pages_hold_the_stored_texts_pictures_and_doors():
    there = built()
    for path in notebooks.find():
        page = there[f"notebooks/{path.stem}.html"]
        stored = [one for cell in notebooks.code_cells(notebooks.read(path)) for one in cell.outputs if "data" in one]
        assert [picture["alt"] for picture in page.pictures] == [one.metadata["image/png"].alt for one in stored]
        assert {PUBLIC.colab(path.name), PUBLIC.binder(path.name), path.name} <= set(page.links)
        places = [
            link for link in page.links if link.startswith(f"{PUBLIC.url}/issues/new?template=unclear.yml&place=")
        ]
        assert f"{PUBLIC.url}/edit/{PUBLIC.ref}/notebooks/{path.name}" in page.links
        headings = [level for level, _ in notebook_checks.headings(notebook_checks.whole_prose(notebooks.read(path)))]
        assert len(places) == 1 + sum(level in (2, 3) for level in headings), "each section can be reported"
        assert "✓ Right" in "".join(page.text) or path.name.startswith("00")
        assert (site.SITE / "notebooks" / path.name).read_bytes() == path.read_bytes()


def test_the_playgrounds_links_lead_to_headings_of_the_book():
    there = built()
    sources = "".join(path.read_text("utf-8") for path in (site.PLAYGROUND / "src").rglob("*.ts"))
    links = re.findall(r'\bnotebook\("(\w+)"(?:, "([^"]+)")?\)', sources)
    links += [("GLOSSARY", entry) for entry in re.findall(r'\bglossary\("([^"]+)"\)', sources)]
    assert len(links) >= 8 + 11
    assert [link for link in links if link[1] and link[1] not in there[f"notebooks/{link[0]}.html"].ids] == []


def put(path, content):
    """Write a file of the copy, in which every file is a link to the built one."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def edit(old, new, name="notebooks/04_training.html"):
    """A way to spoil a page of a built site."""
    return lambda folder: put(folder / name, (folder / name).read_text("utf-8").replace(old, new).encode())


FIGURE = "notebooks/figures/04-01.png"


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("no such anchor", edit('id="question-the-curves-part"', 'id="x"')),
        ("no such file", lambda folder: (folder / FIGURE).unlink()),
        ("no such file", lambda folder: (folder / "notebooks/SYMPTOMS.html").unlink()),
        ("https://cdn.example/x.js", edit("</head>", '<script src="https://cdn.example/x.js"></script></head>')),
        ("//fonts.example/a", lambda folder: put(folder / "_static/x.css", b"@font-face{src:url(//fonts.example/a)}")),
        ("no alternative text", edit(' alt="The loss of one pixel', ' title="The loss of one pixel')),
        ("weighs", lambda folder: put(folder / FIGURE, bytes(site.PAGE_BYTES))),
        ("before it is seen", edit(' loading="lazy"', "")),
    ],
)
def test_a_page_that_is_wrong_is_seen(said, change, tmp_path):
    built()
    spoiled = shutil.copytree(site.SITE, tmp_path / "html", copy_function=os.symlink)
    change(spoiled)
    assert any(said in complaint for complaint in site.complaints(spoiled))


def test_the_book_on_one_page_keeps_every_link_inside():
    there = built()
    page = there["print.html"]
    assert len([one for one in page.ids if "--" not in one and one.startswith(("notebooks-", "data-"))]) == len(MEMBERS)
    assert "notebooks-04_training--question-the-curves-part" in page.ids
    linked = {link[1:] for link in page.links if link.startswith("#") and link != "#"}
    assert "#notebooks-04_training--question-the-curves-part" in page.links and linked <= page.ids


def test_the_pages_checker_reads_text_outside_scripts_only():
    page = site.Page('<p id="a">seen</p><script src="x.js">hidden</script><img src="y.png" alt="a b">')
    assert (page.ids, page.loads, "".join(page.text)) == ({"a"}, ["x.js", "y.png"], "seen")
