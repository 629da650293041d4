"""The checks of arrays at the doors: what goes into a data set or a prediction. Each is written once, and says what to do."""

from __future__ import annotations

import numpy as np


def images(images) -> np.ndarray:
    """Return images as float32 ``(N, H, W, C)``, or raise a ValueError unless they are finite floats in 0..1."""
    images = np.asarray(images)
    if images.ndim != 4 or not images.size:
        raise ValueError(f"images have shape {images.shape}; give (N, H, W, C), and image[None] for a single one.")
    if images.dtype.kind != "f":
        raise ValueError(f"images have dtype {images.dtype}; give floats in 0..1: images.astype('float32') / 255.")
    low, high = images.min(), images.max()
    if not np.isfinite([low, high]).all():
        raise ValueError(f"images hold {np.sum(~np.isfinite(images))} values that are NaN or infinite; remove them.")
    if low < -1e-6 or high > 1 + 1e-6:
        advice = "divide by 255" if low >= 0 and 1 < high <= 255 else "scale them"
        raise ValueError(f"images run from {low:g} to {high:g}; 0 to 1 is allowed: {advice}.")
    return images.astype(np.float32, copy=False)


def pair(images_, masks, classes=2) -> tuple[np.ndarray, np.ndarray]:
    """Return images as :func:`images` does and the mask that belongs to each, or raise a ValueError.

    A mask is ``(N, H, W, 1)`` and holds 0 and 1, or with more than two classes the integers 0 to ``classes - 1``.
    """
    images_, masks = images(images_), np.asarray(masks)
    if masks.shape != (*images_.shape[:3], 1):
        raise ValueError(
            f"masks have shape {masks.shape}, images {images_.shape}; give each image a mask of its height and width, "
            "(N, H, W, 1). masks[..., None] adds a channel; resize masks with nearest neighbours only."
        )
    if classes > 2 and masks.dtype.kind not in "ui":
        raise ValueError(f"masks have dtype {masks.dtype}; class numbers are integers, and are never divided by 255.")
    values = np.unique(masks)
    if not np.isin(values, np.arange(classes)).all():
        shown = np.unique(np.round(values, 3))
        few = ", ".join(f"{value:g}" for value in shown[:5]) + (", ..." if len(shown) > 5 else "")
        if len(values) == 2 and values[-1] == 255:
            advice = "Divide by 255."
        elif len(values) > 2 and classes == 2:
            advice = "Values in between come from interpolation: resize and turn masks with nearest neighbours."
        else:
            advice = "Count the background as class 0."
        raise ValueError(f"masks hold {few}; with {classes} classes 0 to {classes - 1} are allowed. {advice}")
    return images_, masks


def option(name, value, allowed) -> None:
    """Raise a ValueError that lists the allowed values unless this is one of them."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(map(repr, allowed))}.")
