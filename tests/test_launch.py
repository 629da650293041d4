"""A notebook that is opened alone on Colab fetches its project, or says what to do. The remote is a local repository."""

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


def run_setup(folder, variables, source=notebooks.SETUP, then=""):
    """Run a setup cell in a folder, in a Python of its own with stubs for TensorFlow and Keras."""
    for name, text in STUBS.items():
        (folder.parent / name).write_text(text)
    path = os.pathsep.join([str(folder.parent), variables.get("PYTHONPATH", "")])
    command, environment = [sys.executable, "-c", f"{source}\n{then}"], publish.without_git() | variables
    return subprocess.run(command, cwd=folder, env=environment | {"PYTHONPATH": path}, capture_output=True, text=True)


def on_colab(content, repository):
    return launch.stand_in(content.parent / "stand-in", repository)


def test_the_project_is_fetched_once_and_found_the_second_time(repository, content, tmp_path):
    for remote in (repository, tmp_path / "gone"):
        done = run_setup(content, on_colab(content, remote), then="print(project.__file__)")
        root = content / address.FOLDER
        assert done.stdout == launch.said_on_colab(root) + f"{root / 'utils' / 'project.py'}\n" and done.stderr == ""
        assert list(content.iterdir()) == [root]


def test_where_it_cannot_be_fetched_the_cell_says_what_to_do_and_works_later(repository, content, tmp_path):
    failed = run_setup(content, on_colab(content, tmp_path / "gone"))
    assert f"{notebooks.ADDRESS.url} could not be fetched. Is there a connection?" in failed.stderr
    assert "run this cell again" in failed.stderr and "does not" in failed.stderr
    assert list(content.iterdir()) == [], "nothing is left that a later run would take for the project"
    older = address.Address(notebooks.ADDRESS.repository, "v9.9").setup_cell()
    assert "Remote branch v9.9 not found" in run_setup(content, on_colab(content, repository), older).stderr
    assert run_setup(content, on_colab(content, repository)).stdout.endswith(launch.READY)


def test_another_utils_that_is_already_loaded_does_not_get_in_the_way(repository, content):
    (content.parent / "utils.py").write_text("")
    source = f"import utils\n{notebooks.SETUP}"
    done = run_setup(content, on_colab(content, repository), source, then="import utils; print(*utils.__path__)")
    assert done.stdout.endswith(f"{launch.READY}{content / address.FOLDER / 'utils'}\n") and done.stderr == ""


def test_elsewhere_nothing_is_fetched_and_the_cell_says_where_to_open_it(content):
    done = run_setup(content, {})
    assert "Open this notebook inside the project's folder" in done.stderr and list(content.iterdir()) == []


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
