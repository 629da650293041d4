"""Trained networks on disk: save and load a whole model, and the trained network that comes with the series."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

import keras

from utils import project, unet

SHIPPED = "unet_shapes"
"""The name of the trained network in ``data/``: ``unet_shapes.weights.h5`` and, as its card, ``unet_shapes.json``."""


def save(model, path, *, overwrite=False) -> Path:
    """Save a whole model (layers, weights, optimiser's state) to a ``.keras`` file.

    The file is written under another name and moved into place when it is complete, so that an interrupted save never leaves
    half a file under the name you gave.

    Args:
        model: the network.
        path: file name that ends in ``.keras``.
        overwrite: replace a file that is there already.

    Returns:
        Path: of the file.

    Raises:
        ValueError: a name that does not end in ``.keras``.
        FileExistsError: the file exists and ``overwrite`` is False.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"The file is called {path.name}; give a name that ends in .keras.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name, or pass overwrite=True to replace it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        model.save(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def load(path) -> keras.Model:
    """Load a whole model that :func:`save` wrote.

    Args:
        path: the ``.keras`` file.

    Returns:
        keras.Model: compiled as it was, with the optimiser's state, so that training can go on.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or not a Keras model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}; save a model there first.")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path.name} is damaged or not a .keras file ({path.stat().st_size:,} bytes); save the model again."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken:
            raise ValueError(f"its part {broken} is damaged")
        return keras.saving.load_model(path)
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read as a Keras model ({error}); save the model again.") from error


def card(name=SHIPPED, folder=project.DATA) -> dict:
    """What is known about a shipped network: its options, recipe, seed, scores and checksum.

    Args:
        name: of the network.
        folder: where its files lie.

    Raises:
        FileNotFoundError: there is no such card; the message lists those there are.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.name.removesuffix(".weights.h5") for p in Path(folder).glob("*.weights.h5")))
        raise FileNotFoundError(f"There is no trained network called {name!r}; there is: {there or 'none'}.")
    return json.loads(path.read_text(encoding="utf-8"))


def load_shipped(name=SHIPPED, folder=project.DATA) -> keras.Model:
    """Build a network as its card says and load its trained weights, after comparing their checksum with the card.

    Args:
        name: of the network.
        folder: where its files lie.

    Returns:
        keras.Model: float32 images ``(N, 64, 64, 3)`` in 0..1 to probabilities ``(N, 64, 64, 1)``; not compiled.

    Raises:
        FileNotFoundError: the card or the weights are missing.
        ValueError: the weights are damaged, or not the ones the card describes.
    """
    described = card(name, folder)
    path = Path(folder) / described["file"]
    if not path.is_file():
        raise FileNotFoundError(f"The card of {name!r} names {path.name}, but data/ does not hold it; get it again.")
    found = sha256(path)
    if found != described["sha256"]:
        raise ValueError(
            f"{path.name} is damaged or another file: its SHA-256 starts with {found[:12]}, "
            f"the card says {described['sha256'][:12]}. Get the file again, or make it anew with: make weights"
        )
    model = unet.build_unet(**described["network"])
    load_weights(model, path)
    return model


def load_weights(model, path) -> None:
    """Load a ``.weights.h5`` file into a model.

    Args:
        model: a network with the same layers as the one that was saved.
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or belongs to a network with other layers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        model.load_weights(path)
    except Exception as error:
        raise ValueError(
            f"{path.name} does not fit this network or is damaged: build the network with the options that the weights were "
            f"trained with, or get the file again. Keras said: {str(error).strip().splitlines()[0]}"
        ) from error


def sha256(path) -> str:
    """The SHA-256 checksum of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
