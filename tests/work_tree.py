"""A copy of the repository as it is now, for tests that need one of their own. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files(root: Path = ROOT) -> list[str]:
    """The files of the work tree that git knows or would take, as paths below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(
        command, cwd=root, env=without_git(), check=True, capture_output=True, encoding="utf-8"
    ).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (root / name).is_file())


def copy(root: Path, folder: Path) -> Path:
    """Copy the work tree below ``root`` into a folder, and return the folder."""
    for name in files(root):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    return folder


def without_git() -> dict[str, str]:
    """This process's variables without git's: where git itself started it, they would lead to the real repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
