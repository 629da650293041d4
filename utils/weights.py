"""Trained networks on disk: save and load a whole model, and the trained network that comes with the series."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
import zipfile
from pathlib import Path

import keras

from utils import given, project, unet

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
        TypeError: not a Keras model, or not the name of a file.
        ValueError: a name that does not end in ``.keras``.
        FileExistsError: the file exists and ``overwrite`` is False.
        OSError: it cannot be written, for example because the disk is full; a file that was there is as it was.
    """
    return _write(model, "save", path, ".keras", overwrite)


def save_weights(model, path, *, overwrite=False) -> Path:
    """Save the weights of a model, and nothing else, to a ``.weights.h5`` file.

    Written like a whole model, see :func:`save`; errors are the same, but the name must end in ``.weights.h5``.

    Args:
        model: the network.
        path: file name that ends in ``.weights.h5``.
        overwrite: replace a file that is there already.

    Returns:
        Path: of the file.
    """
    return _write(model, "save_weights", path, ".weights.h5", overwrite)


def _write(model, how, path, ending, overwrite):
    """Call a method of the model that writes a file; the file gets its name when it is complete and on the disk."""
    path, overwrite = given.path("path", path), given.flag("overwrite", overwrite)
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {given.shown(model)}; give a Keras model.")
    if not path.name.endswith(ending) or path.name == ending:
        raise ValueError(f"The file is called {path.name}; give a name that ends in {ending}.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name, or pass overwrite=True to replace it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name.removesuffix(ending)}.{uuid.uuid4().hex[:12]}{ending}")
    try:
        getattr(model, how)(unfinished)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
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
        TypeError: not the name of a file.
        ValueError: the file is damaged, not a Keras model, or holds code: nothing in it is ever run.
    """
    path = given.path("path", path)
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
        return keras.saving.load_model(path, safe_mode=True)
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read as a Keras model ({error}); save the model again.") from error


def card(name=SHIPPED, folder=project.DATA) -> dict:
    """What is known about a shipped network: its options, recipe, seed, scores and checksum.

    Args:
        name: of the network.
        folder: where its files lie.

    Raises:
        FileNotFoundError: there is no such card; the message lists those there are.
        TypeError: a name that is not a text, or not the name of a folder.
        ValueError: the card is damaged.
    """
    folder = given.path("folder", folder)
    if not isinstance(name, str):
        raise TypeError(f"name is {given.shown(name)}; give the name of a network, such as {SHIPPED!r}.")
    cards = {p.stem: p for p in folder.glob("*.json")} if folder.is_dir() else {}
    if name not in cards:
        there = ", ".join(sorted(p.name.removesuffix(".weights.h5") for p in folder.glob("*.weights.h5")))
        raise FileNotFoundError(f"There is no trained network called {given.shown(name)}; there is: {there or 'none'}.")
    try:
        described = json.loads(cards[name].read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{name}.json is damaged: it cannot be read as JSON. Get the file again.") from None
    kinds = {"file": str, "sha256": str, "network": dict}
    wrong = [
        key
        for key, kind in kinds.items()
        if not isinstance(described, dict) or not isinstance(described.get(key), kind)
    ]
    if wrong:
        raise ValueError(
            f"{name}.json is no card of a network: it does not say {', '.join(wrong)}. Get the file again."
        )
    return described


def load_shipped(name=SHIPPED, folder=project.DATA) -> keras.Model:
    """Build a network as its card says and load its trained weights, after comparing their checksum with the card.

    Args:
        name: of the network.
        folder: where its files lie.

    Returns:
        keras.Model: float32 images ``(N, 64, 64, 3)`` in 0..1 to probabilities ``(N, 64, 64, 1)``; not compiled.

    Raises:
        FileNotFoundError: the card or the weights are missing.
        TypeError: as for :func:`card`.
        ValueError: the card or the weights are damaged, or the weights are not the ones that the card describes.
    """
    described = card(name, folder)
    path = Path(folder) / described["file"]
    if path.parent != Path(folder):
        raise ValueError(
            f"The card of {name!r} names {given.shown(described['file'])}; the weights must lie beside it."
        )
    if not path.is_file():
        raise FileNotFoundError(f"The card of {name!r} names {path.name}, but data/ does not hold it; get it again.")
    found = sha256(path)
    if found != described["sha256"]:
        raise ValueError(
            f"{path.name} is damaged or another file: its SHA-256 starts with {found[:12]}, "
            f"the card says {described['sha256'][:12]}. Get the file again, or make it anew with: make weights"
        )
    try:
        model = unet.build_unet(**described["network"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"The card of {name!r} describes a network that cannot be built: {error}") from None
    load_weights(model, path)
    return model


def load_weights(model, path) -> None:
    """Load a ``.weights.h5`` file into a model.

    Args:
        model: a network with the same layers as the one that was saved.
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: not a Keras model, or not the name of a file.
        ValueError: another kind of file, a damaged one, or one that belongs to a network with other layers.
    """
    path = given.path("path", path)
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {given.shown(model)}; give a Keras model.")
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"The file is called {path.name}; weights are in files whose names end in .weights.h5.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}; save weights there first.")
    try:
        model.load_weights(path)
    except Exception as error:
        raise ValueError(
            f"{path.name} does not fit this network or is damaged: build the network with the options that the weights were "
            f"trained with, or get the file again. Keras said: {str(error).strip().splitlines()[0]}"
        ) from error


def sha256(path) -> str:
    """The SHA-256 checksum of a file, as 64 hexadecimal digits.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: not the name of a file.
    """
    path = given.path("path", path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}; give the name of one that is there.")
    return hashlib.sha256(path.read_bytes()).hexdigest()
