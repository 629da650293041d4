"""A notebook that is opened alone on Colab fetches its project, or git says why not. The remote is a local repository."""

import os
import shutil
import subprocess
import sys

import pytest

from scripts import address, launch, notebooks, publish

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="a setup cell on Colab fetches the project with git")

STUBS = {
    "tensorflow.py": "",
    "keras.py": "__version__ = '3.0.0'\n\n\nclass config:\n    backend = staticmethod(lambda: 'tensorflow')\n",
}
"""TensorFlow and Keras as far as a setup cell looks at them: so that each of these tests takes a moment only."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The remote that git finds at the public address: as much of the project as a setup cell needs."""
    folder = tmp_path_factory.mktemp("launch") / "project"
    (folder / "utils").mkdir(parents=True)
    for name in ("utils/__init__.py", "utils/project.py", "requirements.txt"):
        shutil.copy(notebooks.ROOT / name, folder / name)
    return launch.remote(folder)


@pytest.fixture
def content(tmp_path):
    """The empty folder in which Colab opens a notebook."""
    (tmp_path / "content").mkdir()
    return (tmp_path / "content").resolve()


SHELL = "import os, types; get_ipython = lambda: types.SimpleNamespace(system=os.system)"
"""What a kernel has beyond Python as far as a setup cell needs it."""


def run_setup(folder, variables, source=notebooks.SETUP, then=""):
    """Run a setup cell in a folder, in a Python of its own with stubs for TensorFlow and Keras."""
    for name, text in STUBS.items():
        (folder.parent / name).write_text(text)
    path = os.pathsep.join([str(folder.parent), variables.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", f"{SHELL}\n{notebooks.python(source)}\n{then}"]
    environment = publish.without_git() | variables | {"PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def on_colab(content, repository):
    return launch.stand_in(content.parent / "stand-in", repository)


def test_a_beginner_can_read_it():
    lines = [line for line in notebooks.SETUP.splitlines() if line.strip()]
    assert len(lines) <= 8 and max(map(len, lines)) <= 84


def test_the_project_is_fetched_once_and_found_the_second_time(repository, content, tmp_path):
    root, twice = content / notebooks.ADDRESS.folder, f"{notebooks.SETUP}\nold = project\n{notebooks.SETUP}"
    for remote in (repository, tmp_path / "gone"):
        done = run_setup(content, on_colab(content, remote), twice, then="print(project is old, project.__file__)")
        said = f"True {root / 'utils' / 'project.py'}\n"
        assert (done.stdout, done.stderr) == (2 * launch.said_on_colab(root) + said, "")
        assert list(content.iterdir()) == [root]


def test_where_it_cannot_be_fetched_git_says_why_and_the_cell_works_later(repository, content, tmp_path):
    failed = run_setup(content, on_colab(content, tmp_path / "gone"))
    assert "fatal: " in failed.stderr and "No module named 'utils'" in failed.stderr
    assert list(content.iterdir()) == [], "nothing is left that a later run would take for the project"
    older = address.Address(notebooks.ADDRESS.repository, "v9.9").setup_cell()
    assert "Remote branch v9.9 not found" in run_setup(content, on_colab(content, repository), older).stderr
    later = f"try:\n    exec({notebooks.python(older)!r})\nexcept ImportError:\n    pass\n{notebooks.SETUP}"
    assert run_setup(content, on_colab(content, repository), later).stdout.endswith(launch.READY)


@pytest.mark.parametrize("inside", ["notebooks", "."])
def test_in_the_project_the_cell_says_one_line_and_can_be_run_again(inside, content):
    source = (
        f"import os\nos.chdir({str(notebooks.ROOT / inside)!r})\n{notebooks.SETUP}\nold = project\n{notebooks.SETUP}"
    )
    done = run_setup(content, {}, source, then="print(project is old)")
    assert (done.stdout, done.stderr) == (2 * launch.READY + "True\n", "")


@pytest.mark.parametrize("what", launch.UNSHARE)
def test_confined_nothing_gets_out(what):
    tries = {
        "offline": "import socket; socket.create_connection(('192.0.2.1', 80), 5)",
        "read-only": "open('new', 'w')",
    }
    confined = launch.shlex.split(launch.UNSHARE[what])
    if subprocess.run([*confined, "true"], cwd=notebooks.ROOT, capture_output=True).returncode:
        pytest.skip("namespaces cannot be made here")
    done = subprocess.run(
        [*confined, sys.executable, "-c", tries[what]], cwd=notebooks.ROOT, capture_output=True, text=True
    )
    assert {"offline": "Network is unreachable", "read-only": "Read-only file system"}[what] in done.stderr
