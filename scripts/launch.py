"""Run the series as elsewhere, outputs compared: ``make check WHAT=colab``.

colab        each notebook alone in an empty folder, with a stand-in for Colab; git finds this work tree at the public address
binder       Binder's steps in an environment of their own, then the notebooks on one processor core
offline      unit tests and notebooks without a network
read-only    the notebooks while nothing can be written in the project's folder
sections     each part of a notebook that says it can be started, in a kernel of its own
two-at-once  the notebooks, two at a time
one-core     the notebooks on one processor core, without a limit of time
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from scripts import notebooks, publish, run_notebooks, sections

ROOT = notebooks.ROOT
READY = "✓ Understanding U-Net is ready.\n"
MAP = "/lab/tree/README.md"
"""What JupyterLab opens on."""

# Namespaces of Linux need no rights of an administrator on most systems. Where they cannot be made, nothing is run.
UNSHARE = {
    "offline": """unshare --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh""",
    "read-only": """unshare --map-root-user --mount sh -c
                 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' sh""",
}


def copy(folder: Path) -> Path:
    """Copy the work tree into a folder, and return the folder."""
    for name in publish.files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def remote(folder: Path) -> Path:
    """Make a folder a repository that holds it on the branch that the setup cells fetch, and return the folder."""
    git = "git -c user.name=launch -c user.email=launch@localhost -c core.autocrlf=false"
    commit = f"{git} commit --quiet --no-verify --no-gpg-sign --message=work_tree"
    for command in (f"{git} init --quiet --initial-branch={notebooks.ADDRESS.ref}", f"{git} add --all --force", commit):
        subprocess.run(command.split(), cwd=folder, env=publish.without_git(), check=True)
    return folder


def stand_in(folder: Path, repository: Path) -> dict[str, str]:
    """Variables that lead git from the public address to a local repository, and make a Python look like Colab's.

    The stand-in for Colab's module is put into ``folder`` and loaded when Python starts.
    """
    module = folder / "google" / "colab"
    module.mkdir(parents=True, exist_ok=True)
    (module / "__init__.py").touch()
    (folder / "sitecustomize.py").write_text("import google.colab\n")
    return {
        "PYTHONPATH": str(folder),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.resolve().as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": notebooks.ADDRESS.url,
    }


def said_on_colab(root: Path) -> str:
    """What the setup cell prints on Colab where no package is missing and the project is in ``root``."""
    return f"On Colab: the project is in {root}; installed: nothing, all is here.\n{READY}"


def colab(paths) -> int:
    """Run each notebook alone in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        repository = remote(copy(Path(folder, "project")))
        os.environ.update(stand_in(Path(folder, "stand-in"), repository))
        alone = []
        for path in paths:
            content = Path(folder, path.stem).resolve()
            content.mkdir()
            notebook = notebooks.read(path)
            notebooks.code_cells(notebook)[0].outputs[0].text = said_on_colab(content / notebooks.ADDRESS.folder)
            notebooks.write(notebook, content / path.name)
            alone.append(content / path.name)
        return run_notebooks.summary(run_notebooks.compare_all(alone, notebooks.time_budget()))


def binder(paths) -> int:
    """Install, prepare, start and run as Binder does, in a copy of the work tree."""
    with tempfile.TemporaryDirectory() as folder:
        project, environment = copy(Path(folder, "project")), Path(folder, "environment")
        wanted = (project / ".binder" / "runtime.txt").read_text().strip().replace("-", "")
        kept = {k: v for k, v in publish.without_git().items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
        pod = kept | {
            "PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "NB_PYTHON_PREFIX": str(environment), "HOME": folder,
            "CPU_LIMIT": "1.0", "TIME_BUDGET": "0",
        }  # fmt: skip

        def step(command):
            if subprocess.run(command.split(), cwd=project, env=pod).returncode:
                raise SystemExit(f"Binder would fail at: {command}")

        works = shutil.which(wanted) and subprocess.call([wanted, "--version"]) == 0  # a name may lead nowhere
        step(f"{wanted if works else sys.executable} -m venv {environment}")
        step("pip install --quiet --disable-pip-version-check --no-cache-dir -r .binder/requirements.txt")
        step(".binder/postBuild")
        lab = ".binder/start jupyter-lab --no-browser --allow-root --port=8877 --IdentityProvider.token="
        server = subprocess.Popen(lab.split(), cwd=project, env=pod, stderr=subprocess.DEVNULL)
        try:
            opened = opens_on("http://127.0.0.1:8877")
        finally:
            server.terminate()
            server.wait()
        if opened != MAP:
            raise SystemExit(f"JupyterLab opens on {opened}, not on {MAP}")
        on_one_core()
        step(" ".join([".binder/start python -m scripts.run_notebooks compare", *(path.name for path in paths)]))
    return 0


def opens_on(url: str, seconds: float = 60) -> str:
    """Where the first page of a server leads, which may still be starting."""
    for _ in range(round(2 * seconds)):
        try:
            with urllib.request.urlopen(url) as page:
                return page.geturl().removeprefix(url)
        except urllib.error.URLError:
            time.sleep(0.5)
    return "no page"


def on_one_core() -> None:
    """Keep this process, and those that it starts, on one processor core."""
    psutil.Process().cpu_affinity(psutil.Process().cpu_affinity()[:1])
    os.environ |= dict.fromkeys(["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1")


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.launch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ["colab", "binder", "offline", "read-only", "sections", "two-at-once", "one-core"]
    parser.add_argument("what", choices=known)
    notebooks.add_names(parser)
    asked = parser.parse_args(arguments)
    paths = notebooks.find(asked.names)
    if asked.what in UNSHARE:
        what = {"offline": "test", "read-only": "compare"}[asked.what]
        command = [sys.executable, "-m", "scripts.run_notebooks", what, *asked.names]
        return subprocess.run(shlex.split(UNSHARE[asked.what]) + command, cwd=ROOT).returncode
    if asked.what == "one-core":
        on_one_core()
        return run_notebooks.summary(run_notebooks.compare_all(paths, seconds=0))
    if asked.what == "two-at-once":
        return run_notebooks.summary(run_notebooks.compare_all(paths, seconds=0, at_once=2))
    return {"colab": colab, "binder": binder, "sections": sections.run}[asked.what](paths)


if __name__ == "__main__":
    sys.exit(main())
