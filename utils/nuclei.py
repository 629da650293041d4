"""The series' image of nuclei, its label map, and its quadrants."""

from __future__ import annotations

import json

import numpy as np
import pooch

from utils import files, masks, project

NUCLEI = project.DATA / "nuclei"
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")


def nuclei() -> tuple[np.ndarray, np.ndarray]:
    """Read the image, float32 ``(512, 512)``, 0..1, and its label map, int32 ``(512, 512)``: 0 = background, 1, 2, ... nuclei.

    A FileNotFoundError or a ValueError names a file that is missing or not the one that the card describes.
    """
    arrays = []
    for name, expected in nuclei_card()["sha256"].items():
        if pooch.file_hash(NUCLEI / name) != expected:
            raise ValueError(f"{name} is damaged or another file: its SHA-256 is not its card's; get the file again.")
        arrays.append((files.read_mask if name == "labels.png" else files.read_image)(NUCLEI / name).array)
    image, labels = arrays
    return (image / np.iinfo(image.dtype).max).astype(np.float32), masks.ranked(labels)[1].astype(np.int32)


def nuclei_card() -> dict:
    """What the image of nuclei is: checksums, size, number of nuclei, source and licence."""
    return json.loads((NUCLEI / "card.json").read_text(encoding="utf-8"))


def quadrant(array, name) -> np.ndarray:
    """Cut one of the four ``QUADRANTS`` out of ``(H, W)`` or ``(H, W, C)``, H and W even; a view."""
    row, column = divmod(QUADRANTS.index(name), 2)
    height, width = (side // 2 for side in array.shape[:2])
    return array[row * height : (row + 1) * height, column * width : (column + 1) * width]
