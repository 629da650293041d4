"""The public address of the series: where it stands, and what every place that needs it makes of it.

It stands once, in ``pyproject.toml``; ``make publish`` writes it everywhere else (see ``scripts/publish.py``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "understanding-unet"
"""The folder that a setup cell on Colab fetches the repository into, whatever the repository is called."""

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
        return SETUP_TEMPLATE.replace("@URL@", self.url).replace("@REF@", self.ref).replace("@FOLDER@", FOLDER)


SETUP_TEMPLATE = """\
import subprocess
import sys
from pathlib import Path

here, problem = Path.cwd(), "Open this notebook inside the project's folder: utils/ was not found beside or above it."
places = [here, *here.parents, here / "@FOLDER@"]
root = next((p for p in places if (p / "utils" / "project.py").exists()), None)
if root is None and "google.colab" in sys.modules:  # Colab opens a notebook without the project around it: fetch it
    root, url = places[-1], "@URL@"
    said = subprocess.getoutput(f"GIT_TERMINAL_PROMPT=0 git clone -q --depth 1 -b @REF@ {url} @FOLDER@")
    problem = f"{url} could not be fetched. Is there a connection? Is that address public, with a version @REF@? "
    problem += f"Is another folder @FOLDER@ in the way? Then run this cell again. Git said: {said}"
assert root and (root / "utils" / "project.py").exists(), problem
if str(root / "utils") not in getattr(sys.modules.get("utils"), "__path__", ()):  # another project's, or none
    for name in [name for name in sys.modules if name.split(".")[0] == "utils"]:
        del sys.modules[name]
sys.path.insert(0, str(root))

from utils import project

project.start()"""


def stored(root: Path = ROOT) -> Address:
    """The address that a copy of the repository holds."""
    return Address(**tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"][FOLDER])
