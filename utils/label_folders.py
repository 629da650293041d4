"""Pictures and label maps of your own: say what is wrong with a folder before anything is trained on it, then read it.

A folder looks like this, with one label map for every picture, of the same name but for the ending::

    images/a.png  images/b.tif ...     grey or colour, 8 or 16 bits
    masks/a.png   masks/b.tif  ...     0 = ground, another number (or colour) for each object

A map of two values is a mask: its objects are its connected parts, and objects that touch count as one.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from utils import folders, given, instances

ENDINGS = (".png", ".tif", ".tiff")
ALONE = 0.01
"""Largest share of a label map's object pixels that may have no neighbour of their own number; more mean that the map was
interpolated."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """One picture and its label map.

    Attributes:
        name: of the files, without their ending.
        image: float32 ``(H, W)``, 0..1; colours are averaged.
        labels: int32 ``(H, W)``: 0 = ground, 1, 2, ... = objects.
        binary: the map had two values, so its objects are its connected parts.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    binary: bool


def load(folder, smallest=64) -> list[Pair]:
    """Read all pairs of a folder.

    Args:
        folder: holds ``images/`` and ``masks/``.
        smallest: pictures need this many pixels along each side.

    Returns:
        list of Pair, in the order of their names. Pictures may differ in size.

    Raises:
        ValueError: something is wrong; the message lists everything that :func:`examine` found.
    """
    pairs, wrong, _ = examine(folder, smallest)
    if wrong:
        raise ValueError("\n".join([f"{Path(folder).name} cannot be used yet:", *(f"- {line}" for line in wrong)]))
    return pairs


def report(folder, smallest=64) -> bool:
    """Print what is in a folder, what is wrong with it and what is doubtful.

    Args:
        folder, smallest: as for :func:`load`.

    Returns:
        bool: whether it can be used.
    """
    pairs, wrong, doubtful = examine(folder, smallest)
    if pairs:
        sizes = sorted({pair.image.shape for pair in pairs})
        listed = ", ".join(f"{height} x {width}" for height, width in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
        print(f"✓ {len(pairs)} pairs that can be read, {listed} pixels, {sum(p.labels.max() for p in pairs)} objects")
    for line in wrong:
        print(f"✗ {line}")
    for line in doubtful:
        print(f"… {line}")
    return not wrong


def examine(folder, smallest=64) -> tuple[list[Pair], list[str], list[str]]:
    """Read what can be read, and say what is wrong and what is doubtful.

    Args:
        folder, smallest: as for :func:`load`.

    Returns:
        tuple: the pairs that can be used, complaints that must be answered first, and doubts that only need a look.

    Raises:
        TypeError, ValueError: a folder that is no path, a size that is not a whole number of 1 or more.
    """
    folder, smallest = given.path("folder", folder), given.whole("smallest", smallest, 1)
    pairs, wrong, doubtful = [], [], []
    found = {}
    for part in (folders.IMAGES, folders.MASKS):
        if not (folder / part).is_dir():
            wrong.append(f"there is no folder {part}/ in {folder.name}/; pictures go to images/, label maps to masks/.")
            continue
        found[part], complaints = _files(folder / part)
        wrong += complaints
    if len(found) < 2:
        return [], wrong, []
    images, masks = found[folders.IMAGES], found[folders.MASKS]
    for names, other in ((images.keys() - masks.keys(), "label map"), (masks.keys() - images.keys(), "picture")):
        if names:
            wrong.append(f"without a {other} of the same name: {_listed(names)}.")
    if not images and not masks:
        wrong.append(f"{folder.name}/ holds no pictures that can be read ({', '.join(ENDINGS)}).")
    for name in sorted(images.keys() & masks.keys()):
        try:
            pair = _pair(name, images[name], masks[name], smallest)
        except ValueError as error:
            wrong.append(str(error))
            continue
        pairs.append(pair)
        doubtful += _doubts(pair)
    if pairs and all(pair.binary for pair in pairs):
        doubtful.append("all maps have two values: objects that touch count as one, and cannot be learned apart.")
    if pairs and not any(pair.labels.any() for pair in pairs):
        wrong.append("no map holds an object; there is nothing to learn.")
    return pairs, wrong, doubtful


def _files(folder):
    """The files that can be read, name without ending -> path, and complaints about others."""
    files, wrong = {}, []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix.lower() not in ENDINGS:
            advice = " JPEG changes the numbers of a label map." if path.suffix.lower() in (".jpg", ".jpeg") else ""
            wrong.append(f"{folder.name}/{path.name} is none of {', '.join(ENDINGS)}; convert or remove it.{advice}")
        elif path.stem in files:
            wrong.append(f"{folder.name}/ holds two files called {path.stem}; keep one.")
        else:
            files[path.stem] = path
    return files, wrong


def _pair(name, image_path, mask_path, smallest):
    """Read one picture and its map, or raise an error in words."""
    image, raw = _read(image_path), _read(mask_path)
    if image.shape[:2] != raw.shape[:2]:
        raise ValueError(
            f"{name}: the picture is {image.shape[0]} x {image.shape[1]}, its map {raw.shape[0]} x {raw.shape[1]}; both need "
            "one size. Resize maps with nearest neighbours only."
        )
    if min(image.shape[:2]) < smallest:
        raise ValueError(
            f"{name}: {image.shape[0]} x {image.shape[1]} is too small; {smallest} pixels a side are needed."
        )
    grey = _grey(name, image)
    if grey.min() == grey.max():
        raise ValueError(f"{name}: all pixels of the picture have one value; nothing can be seen in it.")
    labels, binary = _labels(name, raw)
    return Pair(name, grey, labels, binary)


def _read(path):
    """A picture's pixels, ``(H, W)`` or ``(H, W, 3)``; palettes become colours, transparency is dropped."""
    try:
        with Image.open(path, formats=["PNG", "TIFF"]) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                raise ValueError(f"{path.name} holds {picture.n_frames} pictures, a stack; save the one that is meant.")
            if picture.mode in ("P", "PA", "RGBA", "CMYK", "YCbCr"):
                picture = picture.convert("RGBA").convert("RGB")
            elif picture.mode == "LA":
                picture = picture.convert("L")
            return np.asarray(picture)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} cannot be read ({error}); replace or remove it.") from error


def _grey(name, image):
    """A picture as float32 ``(H, W)``, 0..1."""
    if image.dtype.kind == "f":
        if not np.isfinite(image).all():
            raise ValueError(f"{name}: the picture holds values that are NaN or infinite.")
        low, high = float(image.min()), float(image.max())
        image = (image - low) / max(high - low, 1e-12)
    elif image.dtype == bool:
        image = image.astype(np.float32)
    else:
        image = image / (255 if image.dtype == np.uint8 else 65535 if image.max() < 65536 else image.max())
    return (image.mean(axis=-1) if image.ndim == 3 else image).astype(np.float32)


def _labels(name, raw):
    """A label map from grey numbers or colours, and whether it was a mask of two values."""
    if raw.ndim == 3:
        raw = raw.astype(np.int64) @ [65536, 256, 1]
    elif raw.dtype.kind == "f":
        if not np.isfinite(raw).all() or (raw != np.rint(raw)).any():
            raise ValueError(f"{name}: the map holds fractions; save it as whole numbers, without interpolation.")
    numbers, flat = np.unique(raw.astype(np.int64), return_inverse=True)
    labels = flat.reshape(raw.shape).astype(np.int32)
    if numbers[0] < 0:
        raise ValueError(f"{name}: the map holds {numbers[0]}; objects have numbers from 1 on, 0 is ground.")
    if numbers[0] > 0:
        raise ValueError(
            f"{name}: the map has no ground, its smallest number is {numbers[0]}; ground must be 0 or black."
        )
    alone = _alone(labels)
    if alone > ALONE:
        raise ValueError(
            f"{name}: {alone:.0%} of the map's object pixels have no neighbour with their number. It is a picture, or a map "
            "that was interpolated or saved as JPEG: resize maps with nearest neighbours only."
        )
    return (instances.label(labels > 0), True) if len(numbers) == 2 else (labels, False)


def _alone(labels):
    """Share of object pixels without a neighbour (to a side) of the same number."""
    padded = np.pad(labels, 1, constant_values=-1)
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    there = labels > 0
    return float((there & ~np.any([part == labels for part in around], axis=0)).sum() / max(there.sum(), 1))


def _doubts(pair):
    """What needs a look."""
    if not pair.labels.any():
        yield f"{pair.name}: no object. That is right if there is none in the picture."
        return
    share = (pair.labels > 0).mean()
    if share > 0.9:
        yield f"{pair.name}: {share:.0%} of the pixels are objects. Are ground and objects swapped?"
    broken = [k for k in range(1, pair.labels.max() + 1) if instances.label(_box(pair.labels, k)).max() > 1]
    if broken:
        yield f"{pair.name}: {len(broken)} objects are in several pieces. Does one number stand for two objects?"


def _box(labels, number):
    """One object as a mask, cut to its rows and columns."""
    there = labels == number
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    return there[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _listed(names, most=5):
    """Name the first few and count the rest."""
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
