"""Where am I, and is everything here? The first thing that every notebook calls."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import warnings
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds ``README.md``, ``notebooks/``, ``utils/`` and ``data/``."""

DATA = ROOT / "data"
"""The folder with trained weights and their cards."""

PACKAGES = {
    "IPython": "ipython", "PIL": "pillow", "ipywidgets": "ipywidgets", "matplotlib": "matplotlib", "onnx": "onnx",
    "onnxruntime": "onnxruntime", "pooch": "pooch", "scipy": "scipy", "skimage": "scikit-image", "tf2onnx": "tf2onnx",
    "tifffile": "tifffile",
}  # fmt: skip
"""What the notebooks import, or Keras for them, besides TensorFlow, Keras and NumPy, and its name in ``requirements.txt``."""


def start() -> None:
    """Prepare a notebook: load TensorFlow without its log lines, install on Colab what is missing, and say so.

    Raises:
        RuntimeError: the kernel's Python has no TensorFlow, or its Keras is not version 3 on TensorFlow.
    """
    if "google.colab" in sys.modules:
        print(
            f"On Colab: the project is in {ROOT}; installed: {', '.join(install_missing()) or 'nothing, all is here'}."
        )
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # oneDNN's convolutions round differently from one processor to the next and keep copies of what they have seen.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # Keras 3.15 warns in every model.fit that it will not shuffle a tf.data pipeline, which shuffles by itself.
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")
    try:
        with quiet():
            importlib.import_module("tensorflow")
            keras = importlib.import_module("keras")
    except ModuleNotFoundError as missing:
        raise RuntimeError(
            f"This kernel's Python, {sys.executable}, has no {missing.name}. Choose the kernel of the environment that has it "
            "(make lab makes one in .venv and starts there), or install what requirements.txt lists."
        ) from None
    if keras.__version__.startswith(("1.", "2.")) or keras.config.backend() != "tensorflow":
        raise RuntimeError(
            f"This is Keras {keras.__version__}; the series needs Keras 3 on TensorFlow. Run pip install --upgrade keras, "
            "restart the kernel, and run the setup cell first."
        )
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that a second network predicts is no reason for a warning
    print("✓ Understanding U-Net is ready.")


def install_missing() -> list[str]:
    """Install what the notebooks import and this Python lacks, and return the names.

    TensorFlow, Keras, NumPy and protobuf stay as they are: another version of them than Colab's loses the graphics card.

    Raises:
        RuntimeError: a package could not be installed.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ranges = {re.match(r"[\w-]+", line)[0]: line for line in lines if re.match(r"\w", line)}
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    return _install({name: ranges[name] for name in missing})


def need(group) -> None:
    """Ask for what one notebook needs beyond ``requirements.txt``, a group of ``pyproject.toml``; on Colab, install it.

    Raises:
        RuntimeError: something is missing, and this is not Colab; or it could not be installed.
    """
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"][group]
    ranges = {re.match(r"[\w-]+", line)[0]: line for line in listed}
    missing = {name: line for name, line in ranges.items() if importlib.util.find_spec(name) is None}
    if "google.colab" in sys.modules:
        print(f"Installed for this notebook: {', '.join(_install(missing)) or 'nothing, all is here'}.")
    elif missing:
        quoted = " ".join(f'"{line}"' for line in missing.values())
        raise RuntimeError(
            f"This notebook also needs {', '.join(missing)}. Run make env, or {sys.executable} -m pip install {quoted}, "
            "and restart the kernel."
        )


def _install(ranges) -> list[str]:
    """Install packages, given as name -> range; see :func:`install_missing`."""
    if not ranges:
        return []
    kept = [f"{name}=={version(name)}" for name in ("tensorflow", "keras", "numpy", "protobuf")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *ranges.values(), *kept], capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(
            f"{', '.join(ranges)} could not be installed; check the connection and run this cell again. "
            f"pip said: {done.stderr.strip()}"
        )
    importlib.invalidate_caches()
    return list(ranges)


@contextlib.contextmanager
def quiet():
    """Hold back what native code writes to standard error; if the block raises, write it out after all.

    TensorFlow's C++ part announces missing GPUs there before any logging option is read.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
