"""How good is a mask? Scores that compare a predicted mask with the true one.

All of them take masks, not probabilities: cut with :func:`to_mask` first, so that the threshold is always in sight.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from utils import given


def to_mask(probability, threshold=0.5) -> np.ndarray:
    """Cut probabilities into a mask.

    Args:
        probability: array, 0..1, any shape.
        threshold: a pixel belongs to the mask where its probability is greater than this, 0..1.

    Returns:
        uint8 array of the same shape, 0 or 1.

    Raises:
        TypeError: no numbers.
        ValueError: a threshold outside 0..1, or values outside 0..1 (logits, for example).
    """
    probability = given.array("probability", probability)
    threshold = given.number("threshold", threshold, 0, 1)
    if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
        raise ValueError(
            f"probabilities run from {probability.min():g} to {probability.max():g}; they must lie in 0..1. "
            "Logits need a sigmoid first, images of 0..255 a division by 255."
        )
    return (probability > threshold).astype(np.uint8)


def pixel_accuracy(truth, predicted) -> float:
    """Share of pixels that are right, ground counted too, 0..1. Arguments and errors as for :func:`iou`."""
    truth, predicted = _masks(truth, predicted)
    return float(np.mean(truth == predicted))


def iou(truth, predicted, *, per_image=False):
    """Intersection over union: pixels in both masks, divided by pixels in either.

    Args:
        truth: mask of 0 and 1, ``(H, W)``, ``(N, H, W)`` or ``(N, H, W, 1)``.
        predicted: mask of the same shape.
        per_image: False pools the pixels of all images; True gives one value an image (the first axis counts images).

    Returns:
        float, or float64 array ``(N,)``, 0..1. Two empty masks agree: their IoU is 1.

    Raises:
        TypeError: no numbers.
        ValueError: shapes that differ, no pixel, values other than 0 and 1, or ``per_image`` for a mask without an axis that
            counts images.
    """
    both, either, _ = _counts(truth, predicted, per_image)
    return _ratio(both, either)


def dice(truth, predicted, *, per_image=False):
    """Dice score: twice the pixels in both masks, divided by the sum of their sizes, ``2 IoU / (1 + IoU)``.

    Arguments, result and errors as for :func:`iou`. Source: Dice, "Measures of the amount of ecologic association", 1945.
    """
    both, _, sizes = _counts(truth, predicted, per_image)
    return _ratio(2 * both, sizes)


def recall(truth, predicted) -> float:
    """Share of the true mask's pixels that were found, 0..1; 1 if there are none. Errors as for :func:`iou`."""
    truth, predicted = _masks(truth, predicted)
    return _ratio(np.sum(truth & predicted), np.sum(truth))


def precision(truth, predicted) -> float:
    """Share of the predicted pixels that are true, 0..1; 1 if there are none. Errors as for :func:`iou`."""
    truth, predicted = _masks(truth, predicted)
    return _ratio(np.sum(truth & predicted), np.sum(predicted))


def _masks(truth, predicted):
    """Both masks as booleans, or an error that says which one is not a mask."""
    truth, predicted = given.array("truth", truth), given.array("predicted", predicted)
    if truth.shape != predicted.shape:
        raise ValueError(f"truth has shape {truth.shape}, predicted {predicted.shape}; they must be the same.")
    if not truth.size:
        raise ValueError(f"The masks have the shape {truth.shape}: there is no pixel to score.")
    for name, mask in (("truth", truth), ("predicted", predicted)):
        if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"{name} holds values from {mask.min():g} to {mask.max():g}; a mask holds 0 and 1 only. "
                "Cut probabilities with to_mask; divide masks of 0 and 255 by 255."
            )
    return truth.astype(bool), predicted.astype(bool)


def _counts(truth, predicted, per_image):
    """Pixels in both masks, in either, and the sum of the sizes: over all images or per image."""
    truth, predicted = _masks(truth, predicted)
    if given.flag("per_image", per_image) and truth.ndim < 3:
        raise ValueError(
            f"The masks have the shape {truth.shape}; per_image needs (N, H, W), for one image image[None]."
        )
    axes = tuple(range(1, truth.ndim)) if per_image else None
    both = np.sum(truth & predicted, axis=axes)
    sizes = np.sum(truth, axis=axes) + np.sum(predicted, axis=axes)
    return both, sizes - both, sizes


def _ratio(part, whole):
    """part / whole, and 1 where the whole is 0; a float for single numbers."""
    ratio = np.where(whole == 0, 1.0, part / np.maximum(whole, 1))
    return float(ratio) if ratio.ndim == 0 else ratio


# ---- Where the errors are, and what a probability is worth (notebook 05) -----------------------------------------------


def errors(truth, predicted) -> tuple[np.ndarray, np.ndarray]:
    """The two kinds of wrong pixels.

    Args:
        truth: mask of 0 and 1, any shape.
        predicted: mask of the same shape.

    Returns:
        tuple: two bool arrays of that shape: ``missed`` (shape taken for ground), ``invented`` (ground taken for shape).

    Raises:
        ValueError: as for :func:`iou`.
    """
    truth, predicted = _masks(truth, predicted)
    return truth & ~predicted, predicted & ~truth


def near_edge(masks, distance=1) -> np.ndarray:
    """The pixels close to a silhouette's edge, on both sides of it.

    Args:
        masks: 0 and 1, ``(N, H, W)`` or ``(N, H, W, 1)``.
        distance: in pixels, 1 or more; a pixel counts if the square of this reach around it holds shape and ground. The
            picture's border is no edge.

    Returns:
        bool array of the same shape.

    Raises:
        TypeError: no numbers, or a distance that is not a whole number.
        ValueError: a distance below 1, other shapes, no pixel, or values other than 0 and 1.
    """
    masks, _ = _masks(masks, masks)
    distance = given.whole("distance", distance, 1, None, "it must be 1 pixel or more")
    if masks.ndim < 3 or masks.shape[3:] not in ((), (1,)):
        raise ValueError(f"masks has the shape {masks.shape}; give (N, H, W) or (N, H, W, 1).")
    _, height, width = masks.shape[:3]
    distance = min(distance, max(height, width))  # a square that holds the whole picture can see no more
    reach = ((0, 0), (distance, distance), (distance, distance)) + ((0, 0),) * (masks.ndim - 3)
    padded = np.pad(masks, reach, mode="edge")
    steps = range(2 * distance + 1)
    # A square is a row of columns, so two short passes do.
    some = np.logical_or.reduce([padded[:, i : i + height] for i in steps])
    every = np.logical_and.reduce([padded[:, i : i + height] for i in steps])
    some = np.logical_or.reduce([some[:, :, j : j + width] for j in steps])
    return some & ~np.logical_and.reduce([every[:, :, j : j + width] for j in steps])


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How often pixels of similar probability are shape; one entry a bin, lowest probabilities first.

    Attributes:
        edges: the bins' limits, one more than there are bins.
        count: int64, pixels in the bin.
        probability: their mean probability, NaN in an empty bin.
        share: the share of them that is shape, NaN in an empty bin.
        error: expected calibration error, 0..1: the distance between ``probability`` and ``share``, averaged over all pixels.
    """

    edges: np.ndarray
    count: np.ndarray
    probability: np.ndarray
    share: np.ndarray
    error: float


def calibration(truth, probability, bins=10) -> Calibration:
    """Compare probabilities with how often they come true, in bins of equal width.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599, equation 3.
    There a bin holds the confidence in the chosen class; with two classes, the probability of shape says the same and is
    easier to read.

    Args:
        truth: mask of 0 and 1, any shape.
        probability: 0..1, the same shape.
        bins: how many, 1 to 10,000; a pixel on a limit belongs to the upper bin.

    Returns:
        Calibration

    Raises:
        TypeError: no numbers, or a number of bins that is not whole.
        ValueError: shapes that differ, a mask with other values, probabilities outside 0..1, no pixel, or fewer than 1 bin.
    """
    truth, probability = given.array("truth", truth), given.array("probability", probability).astype(np.float64)
    _masks(truth, to_mask(probability))
    bins = given.whole("bins", bins, 1, 10_000, "give 1 or more, at most 10,000")
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, probability.ravel(), side="right") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values.ravel(), minlength=bins) for values in (probability, truth)]
    mean, share = (np.where(count, total / np.maximum(count, 1), np.nan) for total in sums)
    gap = np.abs(sums[0] - sums[1]).sum() / truth.size
    return Calibration(edges, count, mean, share, float(gap))


# ---- Sharpness, scored apart (notebook 06) -----------------------------------------------------------------------------


def boundary_iou(truth, predicted, distance=1) -> float:
    """IoU of the two masks' rims: of each mask only the pixels close to its own edge are kept.

    A pixel of a mask is kept if the square of this reach around it also holds ground; the picture's border is no edge.
    Source: Cheng, Girshick, Dollar, Berg, Kirillov, "Boundary IoU", 2021; there distances are round, and the picture's
    border counts as an edge.

    Args:
        truth: mask of 0 and 1, ``(N, H, W)`` or ``(N, H, W, 1)``.
        predicted: mask of the same shape.
        distance: thickness of the rim in pixels, 1 or more.

    Returns:
        float, 0..1, over the pixels of all images; 1 if neither mask has an edge.

    Raises:
        ValueError: as for :func:`iou` and :func:`near_edge`.
    """
    truth, predicted = _masks(truth, predicted)
    return iou(truth & near_edge(truth, distance), predicted & near_edge(predicted, distance))


def interior_iou(truth, predicted, distance=2) -> float:
    """IoU over the pixels that are not close to an edge of the true mask, see :func:`near_edge`.

    Arguments, result and errors as for :func:`boundary_iou`; also a ValueError where every pixel is close to an edge.
    """
    truth, predicted = _masks(truth, predicted)
    far = ~near_edge(truth, distance)
    if not far.any():
        raise ValueError(f"No pixel is farther than {distance} px from an edge of truth; give a smaller distance.")
    return iou(truth[far], predicted[far])
