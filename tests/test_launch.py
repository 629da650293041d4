"""A notebook that is opened alone on Colab fetches its project, or says what to do. The remote is a local repository."""

import http.server
import os
import shutil
import subprocess
import sys
import threading

import pytest

from tests import address, launch, notebooks

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="a setup cell on Colab fetches the project with git")

STUBS = {
    "tensorflow.py": "",
    "keras.py": "__version__ = '3.0.0'\n\n\nclass config:\n    backend = staticmethod(lambda: 'tensorflow')\n",
}
"""TensorFlow and Keras as far as a setup cell looks at them: so that each of these tests takes a moment only."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project."""
    return launch.copy(tmp_path_factory.mktemp("launch") / "project")


@pytest.fixture(scope="module")
def repository(project):
    """The remote that git finds at the public address."""
    return launch.remote(project)


@pytest.fixture
def content(tmp_path):
    """The empty folder in which Colab opens a notebook."""
    (tmp_path / "content").mkdir()
    return (tmp_path / "content").resolve()


def run_setup(folder, variables, source=notebooks.SETUP, then="", path=None):
    """Run a setup cell in a folder, in a Python of its own with stubs for TensorFlow and Keras."""
    stubs = folder.parent / "stubs"
    stubs.mkdir(exist_ok=True)
    for name, text in STUBS.items():
        (stubs / name).write_text(text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") and k != "PYTHONPATH"} | variables
    environment["PYTHONPATH"] = os.pathsep.join([str(stubs), variables.get("PYTHONPATH", "")])
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-c", f"{source}\n{then}"],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip


def on_colab(content, repository):
    return launch.colab(content.parent / "stand-in", repository)


# ---- On Colab ----------------------------------------------------------------------------------------------------------


def test_a_whole_notebook_runs_alone_in_an_empty_folder(project, repository, tmp_path):
    result = launch.alone(project / "notebooks" / "01_architecture.ipynb", tmp_path, repository)
    assert (result.failed, result.complaints) == (0, []) and result.passed > 30
    assert (tmp_path / "content" / address.FOLDER / "utils" / "project.py").exists()


def test_the_project_is_fetched_once_and_found_the_second_time(repository, content, tmp_path):
    first = run_setup(content, on_colab(content, repository), then="print(project.__file__)")
    root = content / address.FOLDER
    expected = launch.said_on_colab(root) + f"{root / 'utils' / 'project.py'}\n"
    assert (first.stdout, first.stderr) == (expected, "")
    assert (root / "data").is_dir() and sorted(content.iterdir()) == [root]
    again = run_setup(content, on_colab(content, tmp_path / "gone.git"), then="print(project.__file__)")
    assert (again.stdout, again.stderr) == (expected, "")


def test_the_version_of_the_notebook_is_fetched(project, repository, content):
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-C", str(repository)]
    tree = subprocess.run([*git, "rev-parse", "HEAD:data"], check=True, capture_output=True, encoding="utf-8")
    older = subprocess.run(  # a version that holds utils/ and nothing else, to be told from today's
        [*git, "mktree"],
        input=f"040000 tree {subprocess.getoutput(f'git -C {repository} rev-parse HEAD:utils')}\tutils\n"
        f"100644 blob {subprocess.getoutput(f'git -C {repository} rev-parse HEAD:requirements.txt')}\trequirements.txt\n",
        check=True, capture_output=True, encoding="utf-8",
    ).stdout.strip()  # fmt: skip
    assert tree.stdout.strip() != older
    commit = subprocess.run(
        [*git, "commit-tree", "-m", "older", older], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()
    subprocess.run([*git, "tag", "v0.1", commit], check=True)
    source = address.Address(notebooks.ADDRESS.repository, "v0.1").setup_cell()
    done = run_setup(content, on_colab(content, repository), source)
    assert done.stderr == "" and done.stdout.endswith(launch.READY)
    there = {path.name for path in (content / address.FOLDER).iterdir()}
    assert there == {".git", "utils", "requirements.txt"}


@pytest.mark.parametrize("missing", ["repository", "git"])
def test_where_it_cannot_be_fetched_the_cell_says_what_to_do_and_works_later(missing, repository, content, tmp_path):
    (tmp_path / "empty").mkdir()
    if missing == "repository":
        failed, reason = run_setup(content, on_colab(content, tmp_path / "gone.git")), "does not"
    else:
        failed = run_setup(content, on_colab(content, repository), path=str(tmp_path / "empty"))
        reason = "not found"
    said = failed.stderr[failed.stderr.index("AssertionError: ") :]
    assert f"{notebooks.ADDRESS.url} could not be fetched. Is there a connection?" in said
    assert "run this cell again" in said
    assert reason in said and failed.returncode == 1 and failed.stdout == ""
    assert list(content.iterdir()) == [], "nothing is left that a later run would take for the project"
    assert run_setup(content, on_colab(content, repository)).stdout.endswith(launch.READY)


def test_a_private_repository_does_not_wait_for_a_password(content):
    class Private(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Private) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = on_colab(content, content / "nowhere.git")
        variables["GIT_CONFIG_KEY_0"] = f"url.http://127.0.0.1:{server.server_port}/x.git.insteadOf"
        done = run_setup(content, variables | {"no_proxy": "127.0.0.1", "GIT_ASKPASS": "", "SSH_ASKPASS": ""})
        server.shutdown()
    assert "could not be fetched" in done.stderr and "Is that address public" in done.stderr
    assert "terminal prompts disabled" in done.stderr


def test_a_version_that_is_not_there_is_named(repository, content):
    source = address.Address(notebooks.ADDRESS.repository, "v9.9").setup_cell()
    done = run_setup(content, on_colab(content, repository), source)
    assert "with a version v9.9?" in done.stderr and "Remote branch v9.9 not found" in done.stderr
    assert list(content.iterdir()) == []


def test_a_folder_that_is_in_the_way_is_named_and_left_as_it_is(repository, content):
    (content / address.FOLDER).mkdir()
    (content / address.FOLDER / "mine.txt").write_text("mine")
    done = run_setup(content, on_colab(content, repository))
    assert f"Is another folder {address.FOLDER} in the way?" in done.stderr and "already exists" in done.stderr
    assert [path.name for path in (content / address.FOLDER).iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", ["package", "module"])
def test_another_utils_that_is_already_loaded_does_not_get_in_the_way(kind, repository, content, tmp_path):
    other = tmp_path / "stand-in"
    if kind == "package":
        (other / "utils").mkdir(parents=True)
        (other / "utils" / "__init__.py").write_text("from utils import part\n")
        (other / "utils" / "part.py").write_text("")
    else:
        other.mkdir()
        (other / "utils.py").write_text("")
    source = f"import utils\n{notebooks.SETUP}"
    done = run_setup(content, on_colab(content, repository), source, then="import utils; print(*utils.__path__)")
    assert done.stderr == ""
    assert done.stdout.endswith(f"{launch.READY}{content / address.FOLDER / 'utils'}\n")


def test_the_setup_cell_can_be_run_again_and_keeps_what_is_loaded(project, content):
    source = f"import os\nos.chdir({str(project)!r})\n{notebooks.SETUP}\nbefore = project\n{notebooks.SETUP}"
    done = run_setup(content, {}, source, then="print(project is before)")
    assert (done.stdout, done.stderr) == (2 * launch.READY + "True\n", "")


def test_another_package_named_utils_does_not_get_in_the_way(repository, content, tmp_path):
    (tmp_path / "stand-in" / "utils").mkdir(parents=True)
    (tmp_path / "stand-in" / "utils" / "__init__.py").write_text("raise ImportError('another utils')\n")
    done = run_setup(content, on_colab(content, repository), then="import utils; print(list(utils.__path__))")
    assert done.stderr == ""
    assert done.stdout.endswith(f"{launch.READY}{[str(content / address.FOLDER / 'utils')]}\n")


# ---- Elsewhere ---------------------------------------------------------------------------------------------------------


def test_elsewhere_nothing_is_fetched_and_a_notebook_without_its_project_says_where_to_open_it(content, repository):
    variables = on_colab(content, repository)
    del variables["PYTHONPATH"]
    done = run_setup(content, variables)
    assert "AssertionError: Open this notebook inside the project's folder" in done.stderr
    assert list(content.iterdir()) == []


@pytest.mark.parametrize("inside", ["notebooks", ".", "notebooks/images"])
def test_in_the_project_the_cell_says_one_line(inside, project, content):
    done = run_setup(content, {}, f"import os\nos.chdir({str(project / inside)!r})\n{notebooks.SETUP}")
    assert (done.stdout, done.stderr) == (launch.READY, "")
