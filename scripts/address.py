"""The public address of the series: where it stands, and what every place that needs it makes of it.

It stands once, in ``pyproject.toml``; ``make publish`` writes it everywhere else (see ``scripts/publish.py``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = "understanding-unet"
"""The table of ``pyproject.toml`` that holds the address."""

OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?"
NAME = r"[A-Za-z0-9._-]{1,100}"
REF = r"[A-Za-z0-9_][A-Za-z0-9._-]*"


@dataclass(frozen=True)
class Address:
    """A public repository on GitHub, and the branch or tag that its badges open."""

    repository: str
    ref: str = "main"

    def __post_init__(self):
        if not re.fullmatch(f"{OWNER}/{NAME}", self.repository) or self.repository.endswith((".git", "/.", "/..")):
            raise ValueError(
                f"'{self.repository}' is not the address of a repository; give its owner and its name as they stand in "
                "github.com/OWNER/NAME: make publish REPO=owner/name"
            )
        if not re.fullmatch(REF, self.ref) or self.ref.endswith((".", ".lock")) or ".." in self.ref:
            raise ValueError(
                f"'{self.ref}' is not a branch or tag that every badge can open; letters, digits, '.', '_' and '-' are "
                "allowed: make publish REPO=owner/name REF=main"
            )

    @property
    def url(self) -> str:
        """The repository's page, which is also what git fetches."""
        return f"https://github.com/{self.repository}"

    @property
    def site(self) -> str:
        """The site's address: GitHub Pages of the repository."""
        owner, _, name = self.repository.partition("/")
        return f"https://{owner.lower()}.github.io/{name}/"

    @property
    def folder(self) -> str:
        """The folder that a setup cell on Colab fetches the repository into."""
        return self.repository.partition("/")[2]

    def colab(self, notebook: str) -> str:
        """The address that opens a notebook, named by its file, in Colab."""
        return f"https://colab.research.google.com/github/{self.repository}/blob/{self.ref}/notebooks/{notebook}"

    def binder(self, notebook: str) -> str:
        """The address that opens a notebook, named by its file, in Binder."""
        return f"https://mybinder.org/v2/gh/{self.repository}/{self.ref}?labpath=notebooks/{notebook}"

    def badges(self, notebook: str) -> str:
        """The line at the top of a notebook that opens it elsewhere."""
        return f"[Open in Colab]({self.colab(notebook)}) · [Open in Binder]({self.binder(notebook)})"

    def setup_cell(self) -> str:
        """The first code cell of every notebook."""
        return SETUP_TEMPLATE.replace("@URL@", self.url).replace("@REF@", self.ref).replace("@FOLDER@", self.folder)


SETUP_TEMPLATE = """\
import sys
from pathlib import Path

if "google.colab" in sys.modules and not Path("@FOLDER@").exists():
    !git clone -q --depth 1 -b @REF@ @URL@
places = ["@FOLDER@", ".", ".."]  # the project: fetched, here or above
sys.path[:0] = [place for place in places if Path(place).exists()]
from utils import project

project.start()"""
"""A place that is not there stays out of ``sys.path``: Python would remember it as empty, also after a later fetch."""


def stored(root: Path = ROOT) -> Address:
    """The address that a copy of the repository holds."""
    return Address(**tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"][TABLE])
