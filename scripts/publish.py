"""Write the public address into every badge, setup cell, text and configuration: ``make publish``.

Publishing twice changes nothing the second time, and publishing back restores every byte.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path

from scripts import address as addresses
from scripts import notebooks
from scripts.address import Address

TEXTS = {".md", ".cff", ".json", ".yml", ".yaml", ".html", ".ts"}
"""Files in which an address is replaced where it stands; notebooks and pyproject.toml are handled by themselves."""
TABLE = re.compile(rf'(?ms)^(\[tool\.{addresses.TABLE}\]\n(?:(?!\[).*?\n)?repository = )"[^"\n]*"(\nref = )"[^"\n]*"')
COLAB = re.compile(
    r"https://colab\.research\.google\.com/github/[^/\s)]+/[^/\s)]+/blob/[^/\s)]+/notebooks/[^)\s]+\.ipynb"
)
BINDER = re.compile(r"https://mybinder\.org/v2/gh/[^/\s)]+/[^/\s)]+/[^?\s)]+\?labpath=notebooks/[^)\s]+\.ipynb")
ROW = re.compile(
    r"(?m)^(\| \[[^\]]+\]\(notebooks/([^)\s/]+\.ipynb)\) \|.*?\|)(?: \[Colab\]\(\S+\) · \[Binder\]\(\S+\) \|)?$"
)


def files(root: Path = notebooks.ROOT) -> list[str]:
    """The files that git knows or would take, as paths below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, env=without_git(), check=True, capture_output=True, encoding="utf-8")
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (root / name).is_file())


def without_git() -> dict[str, str]:
    """This process's variables without git's: where git itself started it, they would lead to another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def changes(contents: dict[str, str], new: Address) -> dict[str, str]:
    """The files that publishing changes, with the text that each of them gets: path below the root -> text, as given."""
    settings, count = TABLE.subn(rf'\g<1>"{new.repository}"\g<2>"{new.ref}"', contents["pyproject.toml"])
    if count != 1:
        raise ValueError(f"pyproject.toml needs a table [tool.{addresses.TABLE}] that holds repository, then ref.")
    old = Address(
        *re.search(r'repository = "(.*)"\nref = "(.*)"', TABLE.search(contents["pyproject.toml"])[0]).groups()
    )
    after = {"pyproject.toml": settings}
    for name, text in contents.items():
        if name.endswith(".ipynb"):
            after[name] = in_notebook(text, name.rpartition("/")[2], new)
        elif name != "pyproject.toml":
            after[name] = in_text(text, old, new)
    after["README.md"] = in_map(after["README.md"], new)
    return {name: text for name, text in after.items() if text != contents[name]}


def in_notebook(text: str, name: str, new: Address) -> str:
    """A notebook's file with the badges that open it, and today's setup cell; its outputs stay."""
    notebook = notebooks.nbformat.reads(text, as_version=4)
    badges = [cell for cell in notebook.cells if COLAB.search(cell.source) and BINDER.search(cell.source)]
    setup = next(iter(notebooks.code_cells(notebook)), None)
    if len(badges) != 1:
        raise ValueError(f"{name} needs one cell with a badge for Colab and one for Binder: {new.badges(name)}")
    if setup is None or "project.start()" not in setup.source:
        raise ValueError(f"{name} needs the setup cell as its first code cell; scripts/address.py has it.")
    source = COLAB.sub(lambda _: new.colab(name), badges[0].source)
    badges[0].source = BINDER.sub(lambda _: new.binder(name), source)
    setup.source = new.setup_cell()
    return notebooks.text(notebook)


def in_text(text: str, old: Address, new: Address) -> str:
    """A text with another address wherever the old one stands."""
    repository, ref = re.escape(old.repository), re.escape(old.ref)
    forms = rf"(github\.com/|colab\.research\.google\.com/github/|mybinder\.org/v2/gh/|codespaces\.new/){repository}(?![\w-])"
    with_ref = rf"(?:(/blob/|/tree/|(?<=gh/{repository})/){ref}(?=[/?#)\"'\s]|$))?"

    def write(found):
        return f"{found[1]}{new.repository}" + (f"{found[2]}{new.ref}" if found[2] else "")

    return re.sub(forms + with_ref, write, text).replace(old.site, new.site)


def in_map(text: str, new: Address) -> str:
    """The README, each row of its map of the series with links that open the notebook elsewhere."""
    return ROW.sub(lambda row: f"{row[1]} [Colab]({new.colab(row[2])}) · [Binder]({new.binder(row[2])}) |", text)


def contents(root: Path) -> dict[str, str]:
    """The files of a copy of the repository in which an address may stand."""
    wanted = [name for name in files(root) if Path(name).suffix in TEXTS or re.fullmatch(r"notebooks/\w+\.ipynb", name)]
    return {name: (root / name).read_text(encoding="utf-8") for name in ["pyproject.toml", *wanted]}


def publish(root: Path, new: Address) -> list[str]:
    """Write an address into every place of a copy of the repository that needs it; return the files that changed."""
    changed = changes(contents(root), new)
    for name, text in changed.items():
        (root / name).write_text(text, encoding="utf-8", newline="\n")
    return sorted(changed)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the public address into every place that needs it.")
    parser.add_argument("--repo", help="owner/name; the address in pyproject.toml if it is left out")
    parser.add_argument("--ref", help="the branch or tag that the badges open")
    asked, old = parser.parse_args(), addresses.stored()
    try:
        new = Address(asked.repo or old.repository, asked.ref or old.ref)
        changed = publish(notebooks.ROOT, new)
    except ValueError as error:
        parser.error(str(error))
    print(*changed, f"{new.url}, {new.ref}: {len(changed)} files changed.", sep="\n")


if __name__ == "__main__":
    main()
