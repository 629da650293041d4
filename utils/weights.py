"""Trained networks on disk. What cannot be read raises an error that lists what there is or says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pooch

from utils import project, unet

SHIPPED = "unet_shapes"
"""The series' trained network: ``data/unet_shapes.weights.h5`` and, as its card, ``data/unet_shapes.json``."""


def card(name=SHIPPED, folder=project.DATA) -> dict:
    """What is known about a shipped network: its options, recipe, seed, scores and checksum."""
    _find(Path(folder) / f"{name}.weights.h5")
    try:
        return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{name}.json is damaged ({error}); get the file again.") from error


def load_shipped(name=SHIPPED, folder=project.DATA, build=unet.build_unet) -> keras.Model:
    """Build a network as its card says and load its weights, after comparing their checksum with the card; not compiled.

    ``build`` is the function that the card's options belong to.
    """
    described, path = card(name, folder), Path(folder) / f"{name}.weights.h5"
    if (found := pooch.file_hash(path)) != described["sha256"]:
        raise ValueError(
            f"{path.name} is damaged or another file (SHA-256 {found}). Get it again, or run make weights."
        )
    model = build(**described["network"])
    load_weights(model, path)
    return model


def load_weights(model, path) -> None:
    """Load a ``.weights.h5`` file into a network with the layers of the one that was saved; if it fails, nothing changes."""
    path = _find(Path(path))
    optimizer = getattr(getattr(model, "optimizer", None), "variables", ())
    before = [(variable, variable.numpy()) for variable in (*model.variables, *optimizer)]
    try:
        model.load_weights(path)
    except Exception as error:
        for variable, value in before:
            variable.assign(value)
        raise ValueError(
            f"{path.name} does not fit this network or is damaged; the network is as it was. Build it with the options that "
            f"the weights were trained with, or get the file again. Keras said: {error}"
        ) from error


def copy_layers(source, target) -> list[str]:
    """Copy the weights of all layers that two networks share by name and shape; return the names of the others."""
    learned = {layer.name: layer.get_weights() for layer in source.layers}
    fresh = []
    for layer in target.layers:
        there, own = learned.get(layer.name, []), layer.get_weights()
        if [array.shape for array in own] == [array.shape for array in there]:
            layer.set_weights(there)
        elif own:
            fresh.append(layer.name)
    return fresh


def _find(path):
    if not path.is_file():
        there = ", ".join(sorted(file.name for file in path.parent.glob("*.weights.h5")))
        raise FileNotFoundError(
            f"There is no {path.name} in {path.parent}; there is: {there or 'nothing of the kind'}."
        )
    return path
