"""Write the public address into every badge, setup cell, text and configuration: ``make publish``.

usage: python -m tests.publish --repo owner/name [--ref main]
       python -m tests.publish                      bring every place up to the address that pyproject.toml holds

Publishing twice changes nothing the second time, and publishing back restores every byte.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tests import address as addresses
from tests import notebooks
from tests.address import Address

TEXTS = {".md", ".cff", ".json", ".yml", ".yaml"}
"""Files in which an address is replaced where it stands; notebooks and pyproject.toml are handled by themselves."""
NOT_OURS = {".git", ".ipynb_checkpoints", "__pycache__", "exported", "node_modules", "slides"}
TABLE = re.compile(rf'(?ms)^(\[tool\.{addresses.FOLDER}\]\n(?:(?!\[).*?\n)?repository = )"[^"\n]*"(\nref = )"[^"\n]*"')
COLAB = re.compile(
    r"https://colab\.research\.google\.com/github/[^/\s)]+/[^/\s)]+/blob/[^/\s)]+/notebooks/[^)\s]+\.ipynb"
)
BINDER = re.compile(r"https://mybinder\.org/v2/gh/[^/\s)]+/[^/\s)]+/[^?\s)]+\?labpath=notebooks/[^)\s]+\.ipynb")
ROW = re.compile(
    r"(?m)^(\| \[[^\]]+\]\(notebooks/([^)\s/]+\.ipynb)\) \|.*?\|)(?: \[Colab\]\(\S+\) · \[Binder\]\(\S+\) \|)?$"
)
HEAD = re.compile(r"(?m)^\| notebook \| the question \| what you build \|\n\|---\|---\|---\|$")


def changes(root: Path, new: Address) -> dict[Path, str]:
    """The files of a copy of the repository that publishing changes, with the text that each of them gets.

    Args:
        root: the copy's folder.
        new: the address to write.

    Raises:
        ValueError: a notebook without badges or without a setup cell, or a file in which the address has no place.
    """
    old = addresses.stored(root)
    after = {root / "pyproject.toml": in_settings((root / "pyproject.toml").read_text(encoding="utf-8"), new)}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = notebooks.read(path)
        if in_notebook(notebook, path.name, new):
            after[path] = notebooks.text(notebook)
    for path in texts(root):
        after[path] = in_text(path.read_text(encoding="utf-8"), old, new)
    readme = root / "README.md"
    after[readme] = in_map(after[readme], new)
    return {path: text for path, text in after.items() if text != path.read_text(encoding="utf-8")}


def publish(root: Path, new: Address) -> list[Path]:
    """Write an address into every place of a copy of the repository that needs it; return the files that changed.

    Args:
        root: the copy's folder.
        new: the address to write.

    Raises:
        ValueError: as for :func:`changes`; nothing was written.
    """
    changed = changes(root, new)
    for path, text in changed.items():
        whole = path.with_name(f".{path.name}.new")
        whole.write_text(text, encoding="utf-8", newline="\n")
        whole.replace(path)
    return sorted(changed)


def texts(root: Path) -> list[Path]:
    """The texts and configurations in which an address may stand."""
    found, folders = [], [root]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir() and not path.is_symlink():
                if path.name not in NOT_OURS and not (path / "pyvenv.cfg").exists():
                    folders.append(path)
            elif path.suffix in TEXTS and path.is_file():
                found.append(path)
    return sorted(found)


def in_settings(text: str, new: Address) -> str:
    """The text of pyproject.toml with another address."""
    text, count = TABLE.subn(rf'\g<1>"{new.repository}"\g<2>"{new.ref}"', text)
    if count != 1:
        raise ValueError(f"pyproject.toml needs a table [tool.{addresses.FOLDER}] that holds repository, then ref.")
    return text


def in_notebook(notebook, name: str, new: Address) -> bool:
    """Give a notebook the badges that open it, and today's setup cell; return whether that changed it.

    Args:
        notebook: changed in place; its outputs stay.
        name: its file's name.
        new: the address to write.

    Raises:
        ValueError: it has no badges or no setup cell.
    """
    before = [cell.source for cell in notebook.cells]
    texts_of = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    badges = [cell for cell in texts_of if COLAB.search(cell.source) and BINDER.search(cell.source)]
    if len(badges) != 1:
        raise ValueError(f"{name} needs one cell with a badge for Colab and one for Binder: {new.badges(name)}")
    source = COLAB.sub(lambda _: new.colab(name), badges[0].source)
    badges[0].source = BINDER.sub(lambda _: new.binder(name), source)
    setup = next(iter(notebooks.code_cells(notebook)), None)
    if setup is None or not {"sys.path.insert(0, str(root))", "project.start()"} <= set(setup.source.splitlines()):
        raise ValueError(f"{name} needs the setup cell as its first code cell; tests/address.py has it.")
    setup.source = new.setup_cell()
    return before != [cell.source for cell in notebook.cells]


def in_text(text: str, old: Address, new: Address) -> str:
    """A text with another address wherever the old one stands."""
    repository, ref = re.escape(old.repository), re.escape(old.ref)
    forms = rf"(github\.com/|colab\.research\.google\.com/github/|mybinder\.org/v2/gh/|codespaces\.new/){repository}(?![\w-])"
    with_ref = rf"(?:(/blob/|/tree/|(?<=gh/{repository})/){ref}(?=[/?#)\"'\s]|$))?"

    def write(found):
        return f"{found[1]}{new.repository}" + (f"{found[2]}{new.ref}" if found[2] else "")

    return re.sub(forms + with_ref, write, text)


def in_map(text: str, new: Address) -> str:
    """The README, each row of its map of the series with links that open the notebook elsewhere."""
    text = HEAD.sub("| notebook | the question | what you build | open in |\n|---|---|---|---|", text)
    return ROW.sub(lambda row: f"{row[1]} [Colab]({new.colab(row[2])}) · [Binder]({new.binder(row[2])}) |", text)


def main(arguments=None, root: Path = addresses.ROOT) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.publish", description="Write the public address into every place that needs it."
    )
    parser.add_argument("--repo", default="", help="owner/name; the address in pyproject.toml if it is left out")
    parser.add_argument("--ref", default="", help="the branch or tag that the badges open")
    given = parser.parse_args(arguments)
    try:
        old = addresses.stored(root)
        new = Address(given.repo or old.repository, given.ref or old.ref)
        changed = publish(root, new)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in changed:
        print(path.relative_to(root).as_posix())
    print(f"{new.url}, {new.ref}: {len(changed) or 'no'} file{'s' * (len(changed) != 1)} changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
