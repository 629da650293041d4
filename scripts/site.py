"""Build the site, the book and the Playground: ``make site``.

The notebooks and texts are copied into ``docs/_build/source``, prepared for the book; Sphinx makes pages of them; the pages are
checked. Nothing is executed, and nothing on a page comes from another server.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from scripts import address

ROOT = address.ROOT
DOCS, PLAYGROUND = ROOT / "docs", ROOT / "docs" / "playground"
BUILD = DOCS / "_build"
SOURCE, SITE = BUILD / "source", BUILD / "html"
FRONT = DOCS / "index.md"

PARTS = {"Start": "00", "The U-Net": "01 to 05", "The evidence": "06 to 08", "The practice": "09 to 10",
         "Since then": "11 to 12", "In use": "13 to 99"}  # fmt: skip
"""The parts of the series, and the numbers of their notebooks."""
PAGE_BYTES = 1_500_000
"""Budget: what a page and all that it shows may weigh, uncompressed."""
ROW = re.compile(r"(?m)^\| \[(\d\d) ([^\]]+)\]\(notebooks/(\w+)\.ipynb\) \| (.+?) \| (.+?) \|")
"""A row of README's map of the series: number, name, file, question, what is built."""
LINK = re.compile(r"(\]\(<?|(?:href|src)=\")([^)\s>\"]+)")


# ---- From the repository to the book -----------------------------------------------------------------------------------


def pages(root: Path = ROOT) -> list[Path]:
    """The notebooks and texts that become chapters."""
    return [
        path for part in ("notebooks/*.ipynb", "notebooks/*.md", "data/**/*.md") for path in sorted(root.glob(part))
    ]


def series(root: Path = ROOT) -> list[tuple[str, ...]]:
    """The rows of README's map: number, name, file, question, what is built."""
    return ROW.findall((root / "README.md").read_text(encoding="utf-8"))


def slug(anchor: str) -> str:
    """The book's name of a heading, from JupyterLab's or GitHub's: ``Question:-the-curves-part`` -> ``question-the-...``."""
    return re.sub(r"[^\w\- ]", "", unquote(anchor).strip().lower().replace(" ", "-"))


def book_link(link: str, path: Path, members: set[Path], public: address.Address, root: Path = ROOT) -> str:
    """A link of the file at ``path`` as the book needs it: its headings' names, and GitHub for what is no chapter."""
    name, mark, anchor = link.partition("#")
    if re.match(r"[a-z]+:", link):
        return link
    target = Path(os.path.normpath(path.parent / unquote(name))) if name else path
    if target in members or target.suffix == ".png":
        return f"{name}{mark}{slug(anchor)}"
    kind = "tree" if target.is_dir() else "blob"
    return f"{public.url}/{kind}/{public.ref}/{target.relative_to(root).as_posix()}{mark}{anchor}"


def book_text(source: str, *where) -> str:
    """A markdown text with the book's links; code stays as it is."""
    parts = re.split(r"(?ms)(^```.*?^```|`[^`\n]+`)", source)
    return "".join(
        part if k % 2 else LINK.sub(lambda found: found[1] + book_link(found[2], *where), part)
        for k, part in enumerate(parts)
    )


def book_notebook(notebook: dict, path: Path, members: set[Path], public: address.Address):
    """A notebook as the book shows it, and its pictures by name.

    Each picture becomes a file of its own, and an ``<img>`` with the alternative text that is stored with it. Solutions and the
    setup cell are folded. The badges are left out: every page has its own.
    """
    cells, files, number = [], {}, path.name[:2]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if public.badges(path.name) in source:
                source = source.replace(public.badges(path.name), "").strip()
            source = book_text(source, path, members, public)
        for output in cell.get("outputs", ()):
            for kind in {"image/png", "image/jpeg"} & set(output.get("data", ())):
                name = f"figures/{number}-{sum('still' not in file for file in files) + 1:02}.{kind[6:]}"
                image = base64.b64decode("".join(output["data"][kind]))
                tag, drawn = picture(name, image, output["metadata"][kind]["alt"])
                output["data"], files = {"text/html": tag}, files | drawn
        folded = "Solution" if "solution" in cell["metadata"].get("tags", ()) else ""
        folded = folded or ("Setup: finds the project" if source == public.setup_cell() else "")
        cell["metadata"] = {"mystnb": {"code_prompt_show": folded}, "tags": ["hide-cell"]} if folded else {}
        cell["source"] = source.removeprefix("# @title Solution\n")
        if source:
            cells.append(cell)
    return notebook | {"cells": cells}, files


def picture(name: str, image: bytes, alt: str) -> tuple[str, dict[str, bytes]]:
    """What shows a picture on a page, and its files: two if it moves, as some readers want no motion."""
    tag = f'<img src="{name}" alt="{html.escape(alt)}"{size(image)}>'
    if b"acTL" not in image[:1000]:
        return tag, {name: image}
    calm = name.replace(".png", "-still.png")
    source = f'<source media="(prefers-reduced-motion: reduce)" srcset="{calm}">'
    return f"<picture>{source}{tag}</picture>", {name: image, calm: still(image)}


def size(png: bytes) -> str:
    """The attributes that keep a PNG's place on the page before it is loaded."""
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        return ' loading="lazy" decoding="async"'
    width, height = struct.unpack(">II", png[16:24])
    return f' width="{width}" height="{height}" loading="lazy" decoding="async"'


def still(png: bytes) -> bytes:
    """The first frame of an animated PNG, for readers who want no motion."""
    kept, place = [png[:8]], 8
    while place < len(png):
        end = place + 12 + struct.unpack(">I", png[place : place + 4])[0]
        if png[place + 4 : place + 8] not in (b"acTL", b"fcTL", b"fdAT"):
            kept.append(png[place:end])
        place = end
    return b"".join(kept)


def front(text: str, rows, root: Path = ROOT) -> str:
    """The front page: the path through the series, the map by parts, and the order of all chapters."""
    lists, trees = [], []
    for part, numbers in PARTS.items():
        first, last = numbers.split(" to ") if " to " in numbers else (numbers, numbers)
        chosen = [row for row in rows if first <= row[0] <= last]
        if chosen:
            items = [
                f"- [{number} {name}](notebooks/{file}.ipynb)\n  *{question}*  \n  {builds}"
                for number, name, file, question, builds in chosen
            ]
            lists.append(f"### {part}\n\n" + "\n".join(items))
            trees.append((part, [f"{n} {name} <notebooks/{file}>" for n, name, file, *_ in chosen]))
    beside = {"Words and symptoms": ["Glossary <notebooks/GLOSSARY>", "Symptoms <notebooks/SYMPTOMS>"],
              "For instructors": ["Guide for instructors <notebooks/INSTRUCTORS>"]}  # fmt: skip
    cards = [path for path in pages(root) if "data" in path.relative_to(root).parts]
    cards = [f"{card(path)} <{path.relative_to(root).with_suffix('').as_posix()}>" for path in cards]
    trees += [*beside.items(), ("Measured and made", sorted(cards))]
    order = [f"```{{toctree}}\n:hidden:\n:caption: {part}\n\n" + "\n".join(names) + "\n```" for part, names in trees]
    return text.replace("<!-- map -->", "\n\n".join(lists)) + "\n\n" + "\n\n".join(order) + "\n"


def card(path: Path) -> str:
    """A short name for a text of ``data``: Benchmarks, Weights of unet_shapes."""
    if path.stem == "ATTRIBUTION":
        return f"Data: {path.parent.name}"
    name = path.stem.removesuffix("_card")
    if name == path.stem:
        return "All data and weights" if name == "README" else name.capitalize()
    return f"Weights: {name.removeprefix('unet_')}" if name.startswith("unet_") else f"Data: {name}"


def stage(source: Path = SOURCE, root: Path = ROOT) -> None:
    """Write the book's source: every chapter where it stands in the repository, links and pictures prepared."""
    shutil.rmtree(source, ignore_errors=True)
    public, members = address.stored(root), {*pages(root)}
    written = {FRONT: front(FRONT.read_text(encoding="utf-8"), series(root), root).encode()}
    for path in members:
        if path.suffix == ".ipynb":
            notebook, files = book_notebook(json.loads(path.read_text(encoding="utf-8")), path, members, public)
            written |= {path: json.dumps(notebook).encode()} | {path.parent / name: files[name] for name in files}
        else:
            written[path] = book_text(path.read_text(encoding="utf-8"), path, members, public).encode()
    written |= {path: path.read_bytes() for path in [*root.glob("notebooks/images/*"), *root.glob("data/**/*.png")]}
    for path, content in written.items():
        target = source / (path.name if path == FRONT else path.relative_to(root))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


# ---- Built pages -------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a built page holds: its anchors, its links, what it loads, its pictures, and the text that scripts do not make."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.loads, self.pictures, self.text, self.inside = set(), [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given["id"]} if given.get("id") else set()
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "modulepreload", "manifest"):
            self.loads.append(given["href"])
        if tag in ("script", "img", "iframe", "video", "audio", "embed") and given.get("src"):
            self.loads.append(given["src"])
        if tag == "source" and given.get("srcset"):
            self.loads.append(given["srcset"])
        if tag == "img":
            self.pictures.append(given)
        if tag in ("script", "style", "noscript"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text.append(data)


def built(folder: Path = SITE) -> dict[str, Page]:
    """The book's pages by their names below the site; the Playground has tests of its own."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.html"))}
    return {name: Page(path.read_text(encoding="utf-8")) for name, path in found.items() if name[:11] != "playground/"}


def lost_links(there: dict[str, Page], folder: Path = SITE) -> list[str]:
    """Links, pictures, styles and scripts of the pages that lead to no file, or to no anchor of a page."""
    lost = []
    for name, page in there.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not link:
                continue
            target = os.path.normpath(Path(name).parent / unquote(parts.path)) if parts.path else name
            if not (folder / target).is_file():
                lost.append(f"{name}: {link}: no such file")
            elif parts.fragment and target in there and unquote(parts.fragment) not in there[target].ids:
                lost.append(f"{name}: {link}: no such anchor")
    return lost


def loaded_elsewhere(there: dict[str, Page], folder: Path = SITE) -> list[str]:
    """What pages or style sheets would load from another server."""
    found = [
        f"{name}: {load}" for name, page in there.items() for load in page.loads if re.match(r"(https?:)?//", load)
    ]
    for sheet in [path for path in folder.rglob("*.css") if "playground" not in path.parts]:
        text = sheet.read_text(encoding="utf-8")
        found += [
            f"{sheet.name}: {one}" for one in re.findall(r"(?:url\(|@import\s)[\"']?((?:https?:)?//[^\s)\"']+)", text)
        ]
    return found


def without_alt(there: dict[str, Page]) -> list[str]:
    """Pictures whose alternative text is missing, or is the name of a file."""
    pictures = [(name, picture) for name, page in there.items() for picture in page.pictures]
    return [
        f"{name}: {picture['src']}"
        for name, picture in pictures
        if len((picture.get("alt") or "").split()) < 2 or picture["alt"].endswith((".png", ".jpeg"))
    ]


def weight(name: str, page: Page, folder: Path = SITE) -> int:
    """The bytes of a page and all that it shows, uncompressed."""
    files = {os.path.normpath(Path(name).parent / unquote(urlsplit(load).path)) for load in page.loads}
    return sum((folder / file).stat().st_size for file in {name, *files} if (folder / file).is_file())


def complaints(folder: Path = SITE) -> list[str]:
    """What is wrong with the built pages."""
    there = built(folder)
    heavy = {name: weight(name, page, folder) for name, page in there.items() if name != "print.html"}
    eager = [
        f"{name}: {picture['src']} is loaded before it is seen"
        for name, page in there.items()
        for picture in page.pictures
        if name != "print.html" and picture.get("loading") != "lazy"
    ]
    return [
        *lost_links(there, folder),
        *loaded_elsewhere(there, folder),
        *(f"{one}: no alternative text" for one in without_alt(there)),
        *(f"{name} weighs {n:,} bytes; at most {PAGE_BYTES:,}" for name, n in heavy.items() if n > PAGE_BYTES),
        *eager,
    ]


# ---- The book on one page ----------------------------------------------------------------------------------------------


def on_one_page(order: list[str], folder: Path = SITE) -> str:
    """All chapters in one page, folded parts open. Names of headings get their chapter's name, as many chapters share them."""
    texts, where = {}, {f"{name}.html": slug(name.replace("/", "-")) for name in order}
    for name in order:
        page = f"{name}.html"
        text = (folder / page).read_text(encoding="utf-8")
        text = re.search(r"(?s)<article>(.*)</article>", text)[1]
        text = re.sub(r'(?s)<ul class="doors".*?</ul>', "", text)

        def point(found, page=page):
            parts = urlsplit(found[2])
            target = os.path.normpath(Path(page).parent / unquote(parts.path)) if parts.path else page
            if parts.scheme or parts.netloc:
                return found[0]
            if found[1] == "href" and target in where:
                return f'href="#{where[target]}{"--" + parts.fragment if parts.fragment else ""}"'
            return f'{found[1]}="{target}"'

        text = re.sub(r'\b(href|src|srcset)="([^"]+)"', point, text)
        text = re.sub(r'\bid="([^"]+)"', lambda found, page=page: f'id="{where[page]}--{found[1]}"', text)
        text = text.replace("<details", "<details open").replace(' loading="lazy"', "")
        texts[page] = f'<article id="{where[page]}">{text}</article>'
    front = (folder / "index.html").read_text(encoding="utf-8")
    begin, end = front.index("<article>"), front.index("</article>") + len("</article>")
    head = re.sub(
        r'(?s)<nav class="contents".*?</nav>|<details class="small-contents">.*?</details>', "", front[:begin]
    )
    head = head.replace('<div class="page">', '<div class="page whole">')
    head = re.sub(r"<title>.*?</title>", "<title>Understanding U-Net, the whole book</title>", head)
    tail = re.sub(r'(?s)<nav class="onward".*?</nav>', "", front[end:])
    return head + "\n".join(texts.values()) + tail


# ---- The command -------------------------------------------------------------------------------------------------------


def reading_order(source: Path = SOURCE) -> list[str]:
    """The chapters as the front page lists them."""
    trees = re.findall(r"(?s)```\{toctree\}.*?\n\n(.*?)\n```", (source / "index.md").read_text(encoding="utf-8"))
    return ["index", *(re.sub(r".*<(.+)>", r"\1", line) for tree in trees for line in tree.splitlines())]


def playground() -> bool:
    """Build the Playground if Node is there, and say so if it is not."""
    if not shutil.which("npm"):
        print("Node is missing: the book is built without the Playground. Node 20 or newer brings it (nodejs.org).")
        return False
    if not (PLAYGROUND / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund", "--silent")
    npm("run", "--silent", "build")
    return True


def npm(*arguments: str) -> None:
    """Run npm in the Playground's folder."""
    if subprocess.run(["npm", *arguments], cwd=PLAYGROUND).returncode:
        raise SystemExit(f"npm {' '.join(arguments)} failed in docs/playground.")


def check() -> int:
    """Open the built pages in Chromium: the book, then the Playground. Needs Node; says so if it is missing."""
    if not (shutil.which("node") and (PLAYGROUND / "node_modules").exists()):
        print("The pages were not opened in a browser: that needs Node, Chromium and the Playground's packages.")
        return 1
    return subprocess.run(["node", str(DOCS / "browser.mjs")]).returncode or (
        npm("run", "--silent", "test:browser") or 0
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.site", description=__doc__)
    parser.add_argument("--pdf", action="store_true", help="also print the book to a PDF; needs Chromium")
    parser.add_argument("--check", action="store_true", help="also open the pages in Chromium; needs Node and Chromium")
    parser.add_argument("--book", action="store_true", help="the book only, without the Playground")
    asked = parser.parse_args()
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    tags = [*(["playground"] if not asked.book and playground() else []), *(["pdf"] if asked.pdf else [])]
    sphinx = [sys.executable, "-m", "sphinx", "-WqE", "--keep-going", "-c", str(DOCS), "-d", str(BUILD / "doctrees")]
    if subprocess.run([*sphinx, *(part for tag in tags for part in ("-t", tag)), str(SOURCE), str(SITE)]).returncode:
        return 1
    for path in [*SOURCE.rglob("*.png"), *SOURCE.rglob("*.jpeg"), *ROOT.glob("notebooks/*.ipynb")]:
        target = SITE / path.relative_to(SOURCE if SOURCE in path.parents else ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    if "playground" in tags:
        shutil.copytree(PLAYGROUND / "dist", SITE / "playground")
    (SITE / "print.html").write_text(on_one_page(reading_order()), encoding="utf-8")
    names = [f"{name}.html" for name in reading_order()] + ["playground/"] * ("playground" in tags)
    places = "".join(f"<url><loc>{address.stored().site}{name}</loc></url>" for name in names)
    (SITE / "sitemap.xml").write_text(
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>\n'
    )
    (SITE / ".nojekyll").touch()
    if asked.pdf:
        pdf()
    if wrong := complaints():
        print(*wrong, sep="\n")
        return 1
    count, first = len(built()), (SITE / "index.html").relative_to(ROOT)
    print(f"The site is in {SITE.relative_to(ROOT)}: {count} pages. Open {first} in a browser.")
    return check() if asked.check else 0


def pdf() -> None:
    """Print the book on one page to a PDF."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    browser = next((name for name in names if shutil.which(name)), None)
    if not browser:
        raise SystemExit(
            "The PDF needs Chromium or Chrome. Without it: open print.html in any browser, and print to a file."
        )
    target = SITE / "understanding-unet.pdf"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    subprocess.run([browser, *options, (SITE / "print.html").as_uri()], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
