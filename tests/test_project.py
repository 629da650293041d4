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


def test_an_older_keras_is_named(monkeypatch, capfd):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    with pytest.raises(RuntimeError, match="Keras 2.15.0; the series needs Keras 3 on TensorFlow. Run pip"):
        project.start()
    assert "ready" not in capfd.readouterr().out


def test_another_backend_is_named(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="the series needs Keras 3 on TensorFlow"):
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
    assert wanted == [*ranges, *(f"{name}=={version(name)}" for name in ("tensorflow", "keras", "numpy", "protobuf"))]
    assert "--upgrade" not in command


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


def test_a_group_is_asked_for_in_words_and_on_colab_installed(monkeypatch, capfd, pip):
    project.need("scaling")
    pip.missing = {"optuna", "fastapi"}
    with pytest.raises(RuntimeError, match='also needs fastapi, optuna. Run make env, or .* "fastapi>=.*" "optuna>='):
        project.need("scaling")
    assert pip.commands == []
    on_colab(monkeypatch)
    project.need("scaling")
    assert capfd.readouterr().out == "Installed for this notebook: fastapi, optuna.\n"
    [command] = pip.commands
    assert [part.partition(">=")[0] for part in command if ">=" in part] == ["fastapi", "optuna"]


# ---- Log lines --------------------------------------------------------------------------------------------------------


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
