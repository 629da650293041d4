"""How good is a mask? Scores that compare a predicted mask, or a predicted class map, with the true one.

All but the calibration and the soft IoU take masks, not probabilities: cut those with :func:`to_mask` first, so that the
threshold is always in sight. Whatever is greater than .5 counts as foreground.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage


def to_mask(probability, threshold=0.5) -> np.ndarray:
    """Cut probabilities 0..1 into a mask: uint8, 1 where the probability is greater than the threshold."""
    return (np.asarray(probability) > float(threshold)).astype(np.uint8)


# ---- One class ---------------------------------------------------------------------------------------------------------


def pixel_accuracy(truth, predicted) -> float:
    """Share of pixels that are right, background included, 0..1."""
    return float(np.mean(_rows(truth) == _rows(predicted)))


def iou(truth, predicted, *, per_image=False):
    """Intersection over union: pixels in both masks, divided by pixels in either.

    Args:
        truth, predicted: masks of 0 and 1, ``(H, W)``, ``(N, H, W)`` or ``(N, H, W, 1)``.
        per_image: False pools the pixels of all images; True gives one value an image (the first axis counts images).

    Returns:
        float, or float64 ``(N,)``, 0..1. Two empty masks agree: their IoU is 1.
    """
    both, sizes = _counts(truth, predicted, per_image)
    return _ratio(both, sizes - both)


def dice(truth, predicted, *, per_image=False):
    """Dice score: twice the pixels in both masks, divided by the sum of their sizes, ``2 IoU / (1 + IoU)``.

    Arguments and result as for :func:`iou`. Source: Dice, "Measures of the amount of ecologic association", 1945.
    """
    both, sizes = _counts(truth, predicted, per_image)
    return _ratio(2 * both, sizes)


def recall(truth, predicted) -> float:
    """Share of the true mask's pixels that were found, 0..1; 1 if there are none."""
    return _ratio(_counts(truth, predicted)[0], np.count_nonzero(_mask(truth)))


def precision(truth, predicted) -> float:
    """Share of the predicted pixels that are true, 0..1; 1 if there are none."""
    return _ratio(_counts(truth, predicted)[0], np.count_nonzero(_mask(predicted)))


def silhouette_scores(samples, probability, threshold=0.5) -> dict[str, float]:
    """Score a network's output on images whose style is known.

    Args:
        samples: a :class:`utils.shapes.Samples`.
        probability: 0..1, ``(N, H, W, 1)``.
        threshold: cut for the mask.

    Returns:
        dict: ``iou``, ``dice`` and ``accuracy`` over all pixels together; ``filled`` and ``outlined``: the recall on the
        silhouettes of filled and of outlined shapes.
    """
    mask = to_mask(probability, threshold)
    return {
        "iou": iou(samples.masks, mask),
        "dice": dice(samples.masks, mask),
        "accuracy": pixel_accuracy(samples.masks, mask),
        "filled": recall(samples.styles == 1, mask),
        "outlined": recall(samples.styles == 2, mask),
    }


def _mask(mask):
    return np.asarray(mask) > 0.5


def _rows(mask, per_image=False):
    """A mask as booleans, one row an image, or all of it in a single row."""
    mask = _mask(mask)
    return mask.reshape(len(mask) if per_image else 1, -1)


def _counts(truth, predicted, per_image=False):
    """Pixels in both masks, and the sum of the two sizes: over all images or per image."""
    truth, predicted = _rows(truth, per_image), _rows(predicted, per_image)
    both = np.count_nonzero(truth & predicted, axis=1)
    sizes = np.count_nonzero(truth, axis=1) + np.count_nonzero(predicted, axis=1)
    return (both, sizes) if per_image else (both[0], sizes[0])


def _ratio(part, whole, empty=1.0):
    """part / whole, and ``empty`` where the whole is 0; a float for single numbers."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    ratio = np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0)
    return float(ratio) if ratio.ndim == 0 else ratio


# ---- Where the errors are, and what a probability is worth -------------------------------------------------------------


def error_masks(truth, predicted) -> tuple[np.ndarray, np.ndarray]:
    """The two kinds of wrong pixels: bool masks of the false negatives and of the false positives."""
    truth, predicted = _mask(truth), _mask(predicted)
    return truth & ~predicted, predicted & ~truth


def near_edge(masks, distance=1) -> np.ndarray:
    """The pixels close to a silhouette's edge, on both sides of it; the image's border is no edge.

    Args:
        masks: 0 and 1, ``(N, H, W)`` or ``(N, H, W, 1)``.
        distance: in pixels; a pixel counts if the square of this reach around it holds foreground and background.

    Returns:
        bool array of the same shape.
    """
    masks = _mask(masks)
    square = (1, 2 * distance + 1, 2 * distance + 1) + (1,) * (masks.ndim - 3)
    smallest = ndimage.minimum_filter(masks, square, mode="nearest")
    return smallest != ndimage.maximum_filter(masks, square, mode="nearest")


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How often pixels of similar probability are foreground; one entry a bin, lowest probabilities first."""

    edges: np.ndarray  # the bins' limits, one more than there are bins
    count: np.ndarray  # int64, pixels in the bin
    probability: np.ndarray  # their mean probability, NaN in an empty bin
    share: np.ndarray  # the share of them that is foreground, NaN in an empty bin
    error: float  # a binary expected calibration error, 0..1: |probability - share|, averaged over all pixels


def calibration(truth, probability, bins=10) -> Calibration:
    """Compare probabilities with how often they come true, in bins of equal width; a pixel on a limit is in the upper bin.

    A binary variant of equation 3 of Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017, arXiv
    1706.04599: there a bin holds the confidence in the chosen class, here the probability of foreground, and the errors differ.

    Args:
        truth: mask of 0 and 1, any shape.
        probability: 0..1, the same shape.
        bins: how many.
    """
    truth, probability = np.ravel(truth), np.ravel(probability).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (probability, truth)]
    mean, share = (_ratio(total, count, np.nan) for total in sums)
    return Calibration(edges, count, mean, share, float(np.abs(sums[0] - sums[1]).sum() / truth.size))


# ---- Sharpness, scored apart -------------------------------------------------------------------------------------------


def boundary_iou(truth, predicted, distance=1) -> float:
    """IoU of the two masks' rims: of each mask only the pixels close to its own edge are kept, see :func:`near_edge`.

    Source: Cheng, Girshick, Dollar, Berg, Kirillov, "Boundary IoU", 2021; there the distance is 2 % of the image's
    diagonal, and the image's border counts as an edge.

    Args:
        truth, predicted: masks of 0 and 1, ``(N, H, W)`` or ``(N, H, W, 1)``.
        distance: thickness of the rim in pixels.

    Returns:
        float, 0..1, over the pixels of all images; 1 if neither mask has an edge.
    """
    return iou(*(_mask(mask) & near_edge(mask, distance) for mask in (truth, predicted)))


def interior_iou(truth, predicted, distance=2) -> float:
    """IoU over the pixels that are not close to an edge of the true mask. Arguments as for :func:`boundary_iou`."""
    far = ~near_edge(truth, distance)
    return iou(np.asarray(truth)[far], np.asarray(predicted)[far])


# ---- Several classes ---------------------------------------------------------------------------------------------------


def class_iou(truth, predicted, classes, *, per_image=False) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        truth, predicted: class numbers, ``(N, H, W)`` or ``(N, H, W, 1)``.
        classes: how many there are, the background included: a map does not say which classes it lacks.
        per_image: False pools the pixels of all images; True gives one row an image.

    Returns:
        float64 ``(classes,)`` or ``(N, classes)``, 0..1. NaN for a class that is in neither map: there is nothing to score.
    """
    both, sizes = _class_counts(truth, predicted, classes, per_image)
    return _ratio(both, sizes - both, np.nan)


def class_dice(truth, predicted, classes, *, per_image=False) -> np.ndarray:
    """Dice score of each class, ``2 IoU / (1 + IoU)``. Arguments and result as for :func:`class_iou`."""
    both, sizes = _class_counts(truth, predicted, classes, per_image)
    return _ratio(2 * both, sizes, np.nan)


def mean_iou(truth, predicted, classes, *, background=False, per_image=False) -> float:
    """The IoU of the classes, averaged over those that occur in the truth or in the prediction.

    Args:
        truth, predicted, classes: as for :func:`class_iou`.
        background: count class 0 among the classes.
        per_image: False pools the pixels of all images, and averages the classes. True averages the classes of each image, then
            the images; an image without any class to score is left out.

    Returns:
        float, 0..1; NaN if there is nothing to score.
    """
    scores = np.atleast_2d(class_iou(truth, predicted, classes, per_image=per_image))[:, 0 if background else 1 :]
    scores = scores[~np.isnan(scores).all(axis=1)]
    return float(np.mean(np.nanmean(scores, axis=1))) if len(scores) else float("nan")


def soft_iou(truth, probability) -> np.ndarray:
    """IoU of each class without a threshold: probabilities instead of 0 and 1, all pixels pooled.

    The part in both is the sum of ``t p``, the part in either the sum of ``t + p - t p``; for probabilities of 0 and 1 this is
    :func:`class_iou`. Source: Rahman and Wang, "Optimizing intersection-over-union in deep neural networks", 2016.

    Args:
        truth: class numbers, ``(N, H, W)`` or any other shape.
        probability: 0..1, one axis more: ``(..., classes)``.

    Returns:
        float64 ``(classes,)``, 0..1; NaN for a class that is in neither.
    """
    truth, probability = np.asarray(truth), np.asarray(probability, np.float64)
    classes = range(probability.shape[-1])
    both = np.array([probability[truth == k, k].sum() for k in classes])
    sizes = np.array([np.count_nonzero(truth == k) for k in classes])
    return _ratio(both, sizes + probability.reshape(-1, len(classes)).sum(axis=0) - both, np.nan)


def _class_counts(truth, predicted, classes, per_image):
    """As :func:`_counts`, with the classes along a last axis."""
    counts = [_counts(np.equal(truth, k), np.equal(predicted, k), per_image) for k in range(classes)]
    return (np.stack(part, axis=-1) for part in zip(*counts))
