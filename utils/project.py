"""Where am I, and is everything here? The first thing that every notebook calls."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds ``README.md``, ``notebooks/``, ``utils/`` and ``data/``."""

DATA = ROOT / "data"
"""The folder with trained weights and their cards."""


PACKAGES = {
    "IPython": "ipython", "PIL": "pillow", "ipywidgets": "ipywidgets", "matplotlib": "matplotlib", "scipy": "scipy",
    "skimage": "scikit-image",
}  # fmt: skip
"""What the notebooks import besides TensorFlow, Keras and NumPy, and what each is called in ``requirements.txt``."""


def start() -> None:
    """Prepare a notebook: check that ``utils`` is this project's, load TensorFlow without its log lines, say so.

    On Colab, packages that are missing are installed first, and a line says where the project is and what was installed.

    Raises:
        RuntimeError: another package named ``utils`` is in the way, TensorFlow or Keras is missing, Keras is older than 3 or
            not on TensorFlow, or a package could not be installed.
    """
    check_utils()
    if "google.colab" in sys.modules:
        installed = ", ".join(install_missing()) or "nothing, all is here"
        print(f"On Colab: the project is in {ROOT}; installed: {installed}.")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # oneDNN's convolutions round differently from one processor to the next and keep copies of what they have seen.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    compile_in_little_memory()
    keep_freed_memory(4_000_000)
    try:
        with quiet():
            importlib.import_module("tensorflow")
            keras = importlib.import_module("keras")
    except ModuleNotFoundError as missing:
        raise RuntimeError(
            f"This kernel's Python, {sys.executable}, has no {missing.name}. Choose the kernel of the environment that has it "
            "(make lab makes one in .venv and starts there), or install what requirements.txt lists."
        ) from None
    found = keras.__version__
    if found.startswith(("1.", "2.")):
        raise RuntimeError(f"This is Keras {found}; the series needs Keras 3. Run: pip install --upgrade keras")
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {keras.config.backend()}; the series needs TensorFlow. Restart the kernel, setup cell first."
        )
    print("✓ Understanding U-Net is ready.")


def check_utils() -> None:
    """Raise an error unless the package ``utils`` that Python finds is this project's.

    Raises:
        RuntimeError: naming the folder that is in the way.
    """
    found = getattr(sys.modules.get("utils"), "__path__", None) or [os.curdir]
    folder = Path(list(found)[0]).resolve()
    if folder != ROOT / "utils":
        raise RuntimeError(
            f"'utils' was imported from {folder}, not from {ROOT / 'utils'}. "
            "Restart the kernel and run the setup cell first, so that this project comes first on the path."
        )


def install_missing() -> list[str]:
    """Install what the notebooks import and this Python lacks; nothing that is there changes its version.

    TensorFlow, Keras and NumPy are never installed: another version of them than Colab's loses the graphics card.

    Returns:
        list: the packages that were missing.

    Raises:
        RuntimeError: a package could not be installed.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ranges = {re.match(r"[\w-]+", line)[0]: line for line in lines if re.match(r"\w", line)}
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return []
    wanted = [*(ranges[package] for package in missing), *_as_they_are("tensorflow", "keras", "numpy")]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(
            f"{', '.join(missing)} could not be installed; check the connection and run this cell again. "
            f"pip said: {done.stderr.strip()}"
        )
    importlib.invalidate_caches()
    return missing


def compile_in_little_memory() -> None:
    """Ask XLA, before TensorFlow starts it, for its older way to compile: 230 MB less at the peak for the series' network.

    XLA stops the process if it does not know an option, so only versions of TensorFlow that are known to know it are asked.
    """
    known = _installed_tensorflow().startswith(("2.20.", "2.21."))
    flags = os.environ.get("XLA_FLAGS", "")
    if known and _FUSION not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{_FUSION}=false".strip()


def keep_freed_memory(at_most, *, apart=128_000) -> None:
    """Say how much of its freed memory this process keeps for later, where the system's C library listens.

    By itself it keeps more and more as larger arrays come and go, which counts against a small machine's limit. To give all
    of it back at once costs time where the same arrays are made again and again: a fifth of a training step here.

    Args:
        at_most: bytes, 0 to 2**31 - 1.
        apart: bytes; an array of at least this size gets memory of its own, which is given back as soon as the array is freed;
            above 32 MiB it has no effect. Smaller ones share a pool, where one that is in use holds back freed ones around it.

    Raises:
        TypeError: not a whole number.
        ValueError: out of range.
    """
    for name, value in (("at_most", at_most), ("apart", apart)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} is a {type(value).__name__}; give a whole number of bytes.")
        if not 0 <= value < 2**31:
            raise ValueError(f"{name} lies outside 0..2**31 - 1; the C library takes no other number of bytes.")
    _c_library("mallopt", _M_ARENA_MAX, 2)  # each thread's own pool of memory would keep what the others could use
    _c_library("mallopt", _M_TRIM_THRESHOLD, at_most)
    _c_library("mallopt", _M_MMAP_THRESHOLD, min(apart, _LARGEST_MMAP_THRESHOLD))


def release_memory(*, collect=True) -> None:
    """Give memory that is free but still held by this process back to the system, where the system's C library can.

    Compiling a network leaves some hundred megabytes of it, and so does predicting many pictures; both would count against a
    small machine's limit.

    Args:
        collect: let Python look for objects that nobody uses any more first; that takes about a tenth of a second.
    """
    if collect:
        gc.collect()
    _c_library("malloc_trim", 0)


_FUSION = "xla_cpu_use_fusion_emitters"
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Numbers of three settings in glibc's ``malloc.h``."""
_LARGEST_MMAP_THRESHOLD = 32 * 2**20


def _as_they_are(*names) -> list[str]:
    """Requirements that hold installed packages at the version they have."""
    held = []
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            held.append(f"{name}=={version(name)}")
    return held


def _installed_tensorflow() -> str:
    """The version of TensorFlow, without importing it; empty if there is none."""
    for name in ("tensorflow", "tensorflow-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(name)
    return ""


def _c_library(function, *arguments):
    """Call a function of glibc; on a system without it, do nothing."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            getattr(ctypes.CDLL(None), function)(*arguments)


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
