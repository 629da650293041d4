"""Do what Binder does, in an environment of its own, and run the notebooks as small as a free pod is: ``make binder-check``.

usage: python -m tests.binder_check [--environment FOLDER] [01 03 ...]

The steps: the packages of ``.binder/requirements.txt`` into a fresh environment, ``.binder/postBuild``, a server started
through ``.binder/start`` that must open on the map of the series, then the notebooks on one processor core, each kernel killed
when it takes 2 GB, as the pod would be. Limits that the system sets would count address space: TensorFlow reserves several
times what it uses. What is counted is the memory that the kernel really held at its peak, which Linux keeps for every process.

Nothing of this file needs a package that is not in Python.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests import work_tree

POD_MEGABYTES = 2000
MAP = "/lab/tree/README.md"
SERVER_SECONDS = 60


class Broken(Exception):
    """A step that did not do what Binder needs of it."""


def run(what: str, command, **options) -> None:
    """Run one step.

    Raises:
        Broken: it failed; its own output says why.
    """
    done = subprocess.run([str(part) for part in command], **options)
    if done.returncode:
        raise Broken(f"{what} (exit code {done.returncode})")


def python(wanted: str) -> tuple[str, str]:
    """The Python for the environment, and its version: the one that Binder would take, or else the one that runs this."""
    for found in (shutil.which(f"python{wanted}"), sys.executable):
        asked = [found, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        answer = subprocess.run(asked, capture_output=True, encoding="utf-8") if found else None
        if answer and answer.returncode == 0:  # a name may be there that only says where a Python could be
            return found, answer.stdout.strip()
    raise Broken("there is no Python to make an environment with")


def install(project: Path, environment: Path) -> None:
    """Make the environment, and install what ``.binder/requirements.txt`` lists."""
    wanted = (project / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    interpreter, version = python(wanted)
    print(f"Python {version}" + ("" if version == wanted else f"; Binder takes {wanted}, which is not on this machine"))
    if not (environment / "bin" / "python").exists():
        run("no environment", [interpreter, "-m", "venv", environment])
    listed = project / ".binder" / "requirements.txt"
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run("the packages could not be installed", [*pip, "--no-cache-dir", "-r", listed])


def variables(environment: Path) -> dict[str, str]:
    """The variables of a pod with one processor core."""
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    kept = {
        name: value for name, value in work_tree.without_git().items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {"PATH": path, "NB_PYTHON_PREFIX": str(environment), "CPU_LIMIT": "1.0", "TIME_BUDGET": "0"}


def opens_on(project: Path, environment: Path) -> str:
    """Start a server as Binder does, and return where its first page leads."""
    pod = variables(environment)
    with tempfile.TemporaryDirectory() as home:
        pod |= {"HOME": home, "JUPYTER_RUNTIME_DIR": home, "JUPYTER_CONFIG_DIR": home}
        command = [
            project / ".binder" / "start",
            "jupyter-lab",
            "--no-browser",
            "--allow-root",
            "--port=0",
            "--ip=127.0.0.1",
        ]
        command += ["--IdentityProvider.token=", "--log-level=ERROR"]
        server = subprocess.Popen([str(part) for part in command], cwd=project, env=pod)
        try:
            until = time.monotonic() + SERVER_SECONDS
            while time.monotonic() < until and server.poll() is None:
                for information in Path(home).glob("jpserver-*.json"):
                    try:
                        with urllib.request.urlopen(json.loads(information.read_text())["url"]) as page:
                            return page.geturl().partition("127.0.0.1")[2].lstrip(":0123456789")
                    except (urllib.error.URLError, ValueError):
                        pass  # not yet
                time.sleep(0.5)
            raise Broken("JupyterLab did not start")
        finally:
            server.terminate()
            server.wait()


def steps(project: Path, environment: Path, names) -> None:
    """All steps, one after the other.

    Raises:
        Broken: at the first that fails.
    """
    install(project, environment)
    run("postBuild failed", [project / ".binder" / "postBuild"], cwd=project, env=variables(environment))
    address = opens_on(project, environment)
    if address != MAP:
        raise Broken(f"JupyterLab opens on {address}, not on {MAP}")
    print(f"JupyterLab opens on {MAP}.", flush=True)
    one_core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    print(
        "The notebooks run on one processor core." if one_core else "Without taskset: on all processor cores.",
        flush=True,
    )
    command = ["python", "-m", "tests.run_notebooks", "compare", f"--kill-over={POD_MEGABYTES}", *names]
    run(
        "a notebook failed",
        [*one_core, project / ".binder" / "start", *command],
        cwd=project,
        env=variables(environment),
    )


def main(arguments=None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.binder_check", description="Do what Binder does.")
    parser.add_argument(
        "names", nargs="*", help="beginnings of file names, such as 01 03; all notebooks if none is given"
    )
    parser.add_argument(
        "--environment", type=Path, help="use this environment, and keep it; by default a temporary one"
    )
    given = parser.parse_args(arguments)
    for name in given.names:
        if not list((work_tree.ROOT / "notebooks").glob(f"{Path(name).name}*.ipynb")):
            parser.error(f"there is no notebook that begins with '{name}'")
    with tempfile.TemporaryDirectory() as folder:
        environment = (given.environment or Path(folder, "environment")).absolute()
        try:
            steps(work_tree.copy(work_tree.ROOT, Path(folder, "project")), environment, given.names)
        except Broken as broken:
            print(f"Binder would fail: {broken}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
