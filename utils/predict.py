"""Masks for a folder of images: ``python -m utils.predict MODEL FOLDER OUT``.

MODEL is a network, ``my_unet.keras``, with its plan ``my_unet.json`` beside it. Every image in FOLDER gets a PNG of its name in
OUT: 0 and 255 for masks, class numbers, or a number for each object (16 bits). No file is ever replaced.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from utils import files, project

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with project.quiet():
    import keras

    from utils import planning

NUMBERS = {"mask": lambda answer: np.uint8(255 * answer), "classes": np.uint8, "objects": np.uint16}
"""From an answer, int32, to what is written."""


def load(path):
    """A network and its plan, saved beside it under the same name; a ValueError says what is missing."""
    path = Path(path).expanduser()
    if path.suffix != ".keras" or not path.is_file():
        there = ", ".join(sorted(one.name for one in path.parent.glob("*.keras"))) or "nothing of the kind"
        raise ValueError(f"{path} is no .keras file; in {path.parent} there is: {there}.")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ValueError(f"{path.name} has no plan beside it; plan.save('{card.name}') writes one.")
    try:
        model, plan = keras.models.load_model(path, compile=False), planning.load(card)
        fits = (model.input_shape[-1], model.output_shape[-1]) == (plan.channels, plan.classes)
    except Exception as error:  # a damaged file may raise nearly anything
        raise ValueError(f"{path.name} or {card.name} is damaged or of another program: {error}") from error
    if not fits:
        raise ValueError(f"{path.name} and {card.name} do not belong together: other channels, or other classes.")
    return model, plan


def predict_folder(model, plan, folder, out) -> list[str]:
    """Write a PNG for each image in a folder, not in folders below, and return the names of files that could not be done.

    What is in ``out`` already stays. A ValueError says why nothing can be done.
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    images = _images(folder)
    if out.resolve() == folder.resolve():
        raise ValueError("OUT is the folder of the images; name another one, so that images and masks do not mix.")
    stems = Counter(path.stem for path in images)
    target = {path: out / f"{path.name if stems[path.stem] > 1 else path.stem}.png" for path in images}
    waiting = [path for path in images if not os.path.lexists(target[path])]
    if len(waiting) < len(images):
        print(f"{len(images) - len(waiting)} of {len(images)} masks are there already and stay as they are")
    out.mkdir(parents=True, exist_ok=True)
    failed, notes, start, back = [], Counter(), time.perf_counter(), "\r\033[K" if sys.stdout.isatty() else ""
    for number, path in enumerate(waiting, 1):
        try:
            notes.update(_predict(model, plan, path, target[path]))
        except (ValueError, OSError) as error:
            failed.append(path.name)
            print(f"{back}✗ {path.name} {error}")
        left = (time.perf_counter() - start) / number * (len(waiting) - number)
        print(f"{back}{number} of {len(waiting)} images, about {left:.0f} s left" if back else "", end="", flush=True)
    print(f"{back}✓ {len(waiting) - len(failed)} of {len(waiting)} images predicted")
    print("".join(f"… {count} {note}\n" for note, count in notes.items()), end="")
    return failed


def _images(folder):
    """The images in a folder, by name. Links that lead out of it are not followed."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}, looked up from {Path.cwd()}.")
    inside = [path for path in sorted(folder.iterdir()) if path.resolve().is_relative_to(folder.resolve())]
    images = [one for one in inside if one.suffix.lower() in files.ENDINGS and one.is_file() and one.name[0] != "."]
    if not images:
        raise ValueError(f"There are no images in {folder} itself; name the folder that holds them.")
    return images


def _predict(model, plan, path, target):
    """Write the answer for one image, and return what should be known about how it was read."""
    array = files.read_image(path).array
    answer = plan.result(plan.predict(model, plan.image(array)))
    if answer.max() > 65535:
        raise ValueError(f"holds {answer.max()} objects, more than a PNG can number; cut it into parts.")
    with open(target, "xb") as file:  # x: fails where anything is, a link too
        Image.fromarray(NUMBERS[plan.kind](answer)).save(file, "PNG")
    notes = []
    if (1 if array.ndim == 2 else 3) != plan.channels:
        notes.append("grey, repeated for three channels" if array.ndim == 2 else "in colour, averaged to grey")
    if array.dtype.name not in plan.ranges:
        notes.append(f"of type {array.dtype}, unlike those trained on: all that the type can hold became 0 to 1")
    return notes


def main(words=None) -> int:
    """The command: 0, or 1 if an image or the whole could not be done, which is printed."""
    parser = argparse.ArgumentParser(prog="python -m utils.predict", description=__doc__.splitlines()[0])
    for name, text in (("MODEL", "my_unet.keras"), ("FOLDER", "with images"), ("OUT", "where masks are written")):
        parser.add_argument(name, help=text)
    given = parser.parse_args(words)
    try:
        return 1 if predict_folder(*load(given.MODEL), given.FOLDER, given.OUT) else 0
    except (ValueError, OSError) as error:
        print(f"✗ {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
