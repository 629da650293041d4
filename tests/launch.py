"""Launch as elsewhere: one notebook alone in an empty folder, with a stand-in for Colab: ``make colab-check``.

usage: python -m tests.launch [01 03 ...]

Colab opens a notebook with nothing beside it. Here the same happens: a folder that holds the notebook and nothing else, a
module ``google.colab`` that is loaded when Python starts, and instead of the public repository a local one that holds this
work tree. Then the notebook runs under nbval, all outputs compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from tests import address, notebooks, publish, run_notebooks, work_tree

READY = "✓ Understanding U-Net is ready.\n"


def copy(folder: Path, root: Path = notebooks.ROOT) -> Path:
    """Copy the work tree into a folder, brought up to the address that pyproject.toml holds, and return the folder."""
    work_tree.copy(root, folder)
    publish.publish(folder, address.stored(folder))
    return folder


def remote(folder: Path) -> Path:
    """Make a bare repository beside a copy of the work tree that holds it on the branch that the setup cells fetch."""
    bare = folder.with_name(folder.name + ".git")
    git = ["git", "-c", "user.name=launch", "-c", "user.email=launch@localhost", "-c", "core.autocrlf=false"]
    for command in (
        ["init", "--quiet", f"--initial-branch={address.stored(folder).ref}"],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message=work tree"],
        ["clone", "--quiet", "--bare", ".", str(bare)],
    ):
        subprocess.run([*git, *command], cwd=folder, env=work_tree.without_git(), check=True)
    return bare


def colab(folder: Path, repository: Path) -> dict[str, str]:
    """Variables that make a Python look like Colab's, and lead git from the public address to a local repository.

    Args:
        folder: where the stand-in for Colab's module is put.
        repository: the local repository; where there is none, git finds nothing there, as without a network.
    """
    module = folder / "google" / "colab"
    module.mkdir(parents=True, exist_ok=True)
    (module / "__init__.py").write_text("")
    (folder / "sitecustomize.py").write_text("import google.colab\n")
    return {
        "PYTHONPATH": str(folder),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.resolve().as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": notebooks.ADDRESS.url,
    }


def said_on_colab(root: Path) -> str:
    """What the setup cell prints on Colab where no package is missing.

    Args:
        root: where the project is.
    """
    return f"On Colab: the project is in {root}; installed: nothing, all is here.\n{READY}"


def alone(path: Path, folder: Path, repository: Path) -> run_notebooks.Result:
    """Run a notebook alone in an empty folder as Colab would, outputs compared.

    Args:
        path: the notebook; it is copied.
        folder: an empty folder.
        repository: what git finds at the public address.
    """
    there = folder / "content"
    there.mkdir()
    notebook = notebooks.read(path)
    setup = notebooks.code_cells(notebook)[0]
    if [output.get("text") for output in setup.outputs] != [READY]:
        return run_notebooks.Result(failed=1, complaints=["its setup cell stores something else than that it is ready"])
    setup.outputs[0].text = said_on_colab((there / address.FOLDER).resolve())
    notebooks.write(notebook, there / path.name)
    with mock.patch.dict(os.environ, colab(folder / "stand-in", repository)):
        result = run_notebooks.compare(there / path.name, notebooks.time_budget())
    there_now = sorted(p.name for p in there.iterdir() if not p.name.startswith("."))
    if address.FOLDER not in there_now:
        result.failed += 1
        result.complaints.append(f"the project was not fetched; there is {', '.join(there_now)}")
    return result


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.launch", description="Run each notebook alone in an empty folder, as Colab does."
    )
    parser.add_argument(
        "names", nargs="*", help="beginnings of file names, such as 01 03; all notebooks if none is given"
    )
    results = {}
    try:
        paths = notebooks.find(parser.parse_args(arguments).names)
        for path in paths:
            print(f"{path.name} runs alone …", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                project = copy(Path(folder, "project"))
                fresh = project / "notebooks" / path.name
                result = results[path] = alone(fresh, Path(folder), remote(project))
            for complaint in result.complaints:
                print(f"{path.name}: {complaint}", flush=True)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{run_notebooks.table(results)}\n")
    passed, failed = sum(r.passed for r in results.values()), sum(r.failed for r in results.values())
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
