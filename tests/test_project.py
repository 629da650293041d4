"""The first thing a notebook calls: it finds the project, keeps quiet, and says what is wrong."""

import os
import subprocess
import sys
import types

import keras
import pytest

from utils import project


def test_the_root_holds_the_project():
    assert (project.ROOT / "utils" / "project.py").samefile(project.__file__)
    assert (project.ROOT / "requirements.txt").exists() and project.DATA == project.ROOT / "data"


def test_this_projects_utils_are_recognised():
    project.check_utils()


def test_another_package_named_utils_is_named(monkeypatch, tmp_path):
    other = types.ModuleType("utils")
    other.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "utils", other)
    with pytest.raises(RuntimeError, match=f"imported from {tmp_path.resolve()}, .*Restart the kernel"):
        project.start()


def test_an_older_keras_is_named(monkeypatch, capfd):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    with pytest.raises(RuntimeError, match="Keras 2.15.0; the series needs Keras 3"):
        project.start()
    assert "ready" not in capfd.readouterr().out


def test_another_backend_is_named(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="Keras runs on torch; the series needs TensorFlow"):
        project.start()


def test_a_notebook_starts_with_one_line_and_nothing_else():
    code = "import sys; sys.path.insert(0, '..'); from utils import project; project.start(); project.start()"
    environment = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")}
    folder = project.ROOT / "tests"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.stderr == ""
    assert done.stdout == "✓ Understanding U-Net is ready.\n" * 2


# ---- On Colab ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pip(monkeypatch):
    """What pip is asked for; nothing is installed. ``pip.missing`` names modules that are not there."""
    asked = types.SimpleNamespace(commands=[], missing=set(), returncode=0, stderr="")

    def run(command, **options):
        asked.commands.append(command)
        return asked

    there = project.importlib.util.find_spec
    monkeypatch.setattr(project.subprocess, "run", run)
    monkeypatch.setattr(
        project.importlib.util, "find_spec", lambda name: None if name in asked.missing else there(name)
    )
    return asked


def on_colab(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))


def test_on_colab_a_line_says_that_all_is_there_and_pip_is_not_called(monkeypatch, capfd, pip):
    on_colab(monkeypatch)
    project.start()
    line = f"On Colab: the project is in {project.ROOT}; installed: nothing, all is here.\n"
    assert capfd.readouterr().out == f"{line}✓ Understanding U-Net is ready.\n"
    assert pip.commands == []


def test_on_colab_what_is_missing_is_installed_in_its_range_and_tensorflow_keras_and_numpy_stay(
    monkeypatch, capfd, pip
):
    from importlib.metadata import version

    on_colab(monkeypatch)
    pip.missing = {"skimage", "PIL"}
    project.start()
    assert "; installed: pillow, scikit-image.\n" in capfd.readouterr().out
    [command] = pip.commands
    listed = (project.ROOT / "requirements.txt").read_text().splitlines()
    ranges = [next(line for line in listed if line.startswith(name)) for name in ("pillow", "scikit-image")]
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    wanted = [part for part in command[4:] if not part.startswith("-")]
    names = [name for name in ("tensorflow", "keras", "numpy") if project._as_they_are(name)]
    assert wanted == [*ranges, *(f"{name}=={version(name)}" for name in names)]
    assert "--upgrade" not in command and {"keras", "numpy"} <= set(names)


def test_a_package_that_cannot_be_installed_is_named(monkeypatch, capfd, pip):
    on_colab(monkeypatch)
    pip.missing, pip.returncode, pip.stderr = {"scipy"}, 1, "ERROR: no connection\n"
    with pytest.raises(
        RuntimeError, match="scipy could not be installed; check the connection .* ERROR: no connection$"
    ):
        project.start()
    assert "ready" not in capfd.readouterr().out


def test_elsewhere_nothing_is_installed(capfd, pip):
    pip.missing = {"scipy"}
    project.start()
    assert capfd.readouterr().out == "✓ Understanding U-Net is ready.\n" and pip.commands == []


# ---- Log lines and memory ----------------------------------------------------------------------------------------------


def test_native_log_lines_are_held_back(capfd):
    with project.quiet():
        os.write(2, b"I0000 no GPU here\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_native_log_lines_are_shown_if_something_goes_wrong(capfd):
    with pytest.raises(ImportError, match="broken"), project.quiet():
        os.write(2, b"E0000 cannot load\n")
        raise ImportError("broken")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 cannot load\nafter\n"


def test_memory_is_given_back_where_that_is_possible_and_never_an_error(monkeypatch):
    project.release_memory()
    project.keep_freed_memory(4_000_000)
    monkeypatch.setattr(project.ctypes, "CDLL", lambda name: object())  # a C library without malloc_trim and mallopt
    project.release_memory()
    project.keep_freed_memory(4_000_000)


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("2.21.0", None, "--xla_cpu_use_fusion_emitters=false"),
        ("2.20.0", "--xla_a=1", "--xla_a=1 --xla_cpu_use_fusion_emitters=false"),
        ("2.21.0", "--xla_cpu_use_fusion_emitters=true", "--xla_cpu_use_fusion_emitters=true"),
        ("2.19.1", None, None),
        ("2.22.0", "--xla_a=1", "--xla_a=1"),
        ("", None, None),
    ],
)
def test_xla_gets_an_option_only_from_versions_that_know_it(version, before, after, monkeypatch):
    monkeypatch.setattr(project, "_installed_tensorflow", lambda: version)
    monkeypatch.setenv("XLA_FLAGS", before or "")
    if before is None:
        monkeypatch.delenv("XLA_FLAGS")
    project.compile_in_little_memory()
    assert os.environ.get("XLA_FLAGS") == after


def test_the_installed_tensorflow_is_found_without_its_import():
    import tensorflow as tf

    assert project._installed_tensorflow() == tf.__version__


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory this process holds")
def test_freed_arrays_do_not_stay_with_the_process():
    code = """
import sys
sys.path.insert(0, "..")
import numpy as np, psutil
from utils import project
if sys.argv[1] == "little":
    project.keep_freed_memory(4_000_000)
before = psutil.Process().memory_info().rss
for megabytes in (8, 16, 24):  # every array that is freed raises what glibc keeps by itself
    array = np.ones(megabytes * 125_000); del array
many = [np.ones(125_000) for i in range(60)]  # 60 MB in pieces of 1 MB
del many
print((psutil.Process().memory_info().rss - before) // 1_000_000)
"""
    kept = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", code, how], cwd=project.ROOT / "tests", capture_output=True, encoding="utf-8"
            ).stdout
        )
        for how in ("as it is", "little")
    }
    assert kept["little"] < 10 < kept["as it is"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory this process holds")
@pytest.mark.parametrize(("apart", "least", "most"), [(128_000, -5, 10), (16_000_000, 50, 80)])
def test_an_array_with_memory_of_its_own_does_not_hold_back_its_freed_neighbours(apart, least, most):
    code = f"""
import sys
sys.path.insert(0, "..")
import numpy as np, psutil
from utils import project
project.keep_freed_memory(4_000_000, apart={apart})
before = psutil.Process().memory_info().rss
many = [np.ones(125_000) for i in range(60)]  # 60 MB in pieces of 1 MB
del many[:-1]  # the last one lies above all others
print((psutil.Process().memory_info().rss - before) // 1_000_000)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=project.ROOT / "tests", capture_output=True, encoding="utf-8"
    )
    assert least <= int(run.stdout) <= most
