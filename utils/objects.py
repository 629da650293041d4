"""Objects instead of pixels: number them, match them, score them, separate touching ones.

Everything here works on label maps: integer ``(H, W)``, 0 for background and another number for each object. Two pixels are
neighbours when they share a side; objects that meet at a corner only do not touch.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage, optimize
from skimage import feature, measure, segmentation

from utils import metrics

DSB_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""The IoU that a pair must reach, in the ten steps of the 2018 Data Science Bowl."""

SCORE_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""The five steps of :func:`scores`."""


def label(mask) -> np.ndarray:
    """Number the connected objects of a mask ``(H, W)``: int32, in reading order of their first pixels."""
    return measure.label(np.asarray(mask, bool), connectivity=1).astype(np.int32)


def remove_small(labels, smallest) -> np.ndarray:
    """Turn objects with fewer pixels than this into background; the others are numbered from 1, int32."""
    labels, *_ = segmentation.relabel_sequential(np.asarray(labels))
    kept = np.bincount(labels.ravel()) >= smallest
    return segmentation.relabel_sequential(np.where(kept[labels], labels, 0))[0].astype(np.int32)


# ---- Match and score ---------------------------------------------------------------------------------------------------


def overlap_table(truth, predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pixels that each true object shares with each predicted one.

    Returns:
        tuple: ids of the true objects ``(T,)`` and of the predicted ones ``(P,)``, ascending, and the shared pixels
        ``(T + 1, P + 1)``. Row 0 and column 0 are the background; the sum of a row or column is the object's size.
    """
    true_ids, predicted_ids = (np.union1d([0], labels) for labels in (truth, predicted))
    rows, columns = np.searchsorted(true_ids, truth), np.searchsorted(predicted_ids, predicted)
    shape = len(true_ids), len(predicted_ids)
    table = np.bincount((rows * shape[1] + columns).ravel(), minlength=shape[0] * shape[1])
    return true_ids[1:], predicted_ids[1:], table.reshape(shape)


def iou_table(truth, predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IoU of each true object with each predicted one: true ids, predicted ids, float64 ``(T, P)``."""
    true_ids, predicted_ids, table = overlap_table(truth, predicted)
    shared = table[1:, 1:]
    union = table[1:].sum(axis=1)[:, None] + table[:, 1:].sum(axis=0)[None] - shared
    return true_ids, predicted_ids, shared / union


@dataclasses.dataclass(frozen=True)
class Matches:
    """Which predicted object is which true one: pairs ``(true id, predicted id, IoU)``, and the ids that are in no pair."""

    pairs: list[tuple[int, int, float]]
    false_negatives: list[int]
    false_positives: list[int]


def match(truth, predicted, threshold=0.5) -> Matches:
    """Pair true and predicted objects, one to one.

    Of all ways to pair objects whose IoU reaches the threshold, the one with most pairs is taken, and among those the one
    with the greatest sum of IoU. Above .5 there is only one way: two objects cannot both hold more than half of a third.
    """
    return _pair(*iou_table(truth, predicted), threshold)


def _pair(true_ids, predicted_ids, iou, threshold):
    """Assign by SciPy's solver of the assignment problem: a pair is worth 1, its IoU decides between equals."""
    fits = iou >= threshold
    worth = fits * (1 + iou / (min(iou.shape) + 1))
    pairs = [(r, c) for r, c in zip(*optimize.linear_sum_assignment(worth, maximize=True)) if fits[r, c]]
    rows, columns = ([pair[axis] for pair in pairs] for axis in (0, 1))
    return Matches(
        [(int(true_ids[r]), int(predicted_ids[c]), float(iou[r, c])) for r, c in pairs],
        np.delete(true_ids, rows).tolist(),
        np.delete(predicted_ids, columns).tolist(),
    )


def average_precision(truth, predicted, thresholds=DSB_THRESHOLDS):
    """Score objects: pairs / (pairs + false negatives + false positives), at one IoU threshold (a float) or at each of some.

    The score of the 2018 Data Science Bowl (Caicedo et al., Nature Methods 16, 2019), which averages it over its ten
    thresholds and then over the images; 1 where both maps are empty. (In object detection it is another number.)
    """
    true_ids, predicted_ids, iou = iou_table(truth, predicted)
    pairs = [len(_pair(true_ids, predicted_ids, iou, threshold).pairs) for threshold in np.atleast_1d(thresholds)]
    found = np.array([n / (sum(iou.shape) - n) if sum(iou.shape) else 1.0 for n in pairs])
    return found if np.ndim(thresholds) else float(found[0])


def scores(truth, predicted) -> dict[str, float]:
    """Score a label map, 0..1: ``iou`` and ``dice`` of all object pixels, ``ap50`` to ``ap90`` and ``ap``, their mean."""
    masks = np.greater(truth, 0), np.greater(predicted, 0)
    steps = average_precision(truth, predicted, SCORE_THRESHOLDS)
    each = {f"ap{round(100 * threshold)}": float(step) for threshold, step in zip(SCORE_THRESHOLDS, steps)}
    return {"iou": metrics.iou(*masks), "dice": metrics.dice(*masks), "ap": float(np.mean(steps)), **each}


def segmentation_faults(truth, predicted) -> tuple[list[int], list[int]]:
    """The ids of true objects that were joined with another one, and of true objects that fell into parts.

    * under-segmented: one predicted object covers more than half of this true object and more than half of another one.
    * over-segmented: two or more predicted objects have more than half of their own pixels in this true object.

    An object can be in both lists, or in none.
    """
    true_ids, _, table = overlap_table(truth, predicted)
    shared = table[1:, 1:]
    covers = 2 * shared > table[1:].sum(axis=1)[:, None]
    lies_in = 2 * shared > table[:, 1:].sum(axis=0)[None]
    joined = (covers & (covers.sum(axis=0) >= 2)).any(axis=1)
    in_parts = lies_in.sum(axis=1) >= 2
    return true_ids[joined].tolist(), true_ids[in_parts].tolist()


def fates(truth, predicted) -> dict[int, tuple[str, float]]:
    """What became of each true object, the worst first: number of the object -> ``(word, IoU)``.

    The word is ``"under-segmented"`` or ``"over-segmented"`` (see :func:`segmentation_faults`), ``"false negative"`` if no
    predicted object reaches an IoU of .5, else ``"matched"``. The IoU is the best of any predicted object, to 4 digits.
    """
    joined, in_parts = segmentation_faults(truth, predicted)
    true_ids, _, table = iou_table(truth, predicted)
    best = dict(zip(true_ids.tolist(), table.max(axis=1, initial=0.0).round(4).tolist()))
    words = {number: "false negative" if iou < 0.5 else "matched" for number, iou in best.items()}
    words |= dict.fromkeys(in_parts, "over-segmented") | dict.fromkeys(joined, "under-segmented")
    return {number: (words[number], best[number]) for number in sorted(best, key=best.get)}


def tally(truths, predictions, threshold=0.5) -> dict[str, int]:
    """Count over many images what became of the objects, see :func:`match` and :func:`segmentation_faults`."""
    names = "objects", "matched", "false_negatives", "false_positives", "under_segmented", "over_segmented"
    counts = dict.fromkeys(names, 0)
    for truth, predicted in zip(truths, predictions, strict=True):
        found = match(truth, predicted, threshold)
        parts = found.pairs, found.false_negatives, found.false_positives, *segmentation_faults(truth, predicted)
        for name, part in zip(names[1:], parts):
            counts[name] += len(part)
    return counts | {"objects": counts["matched"] + counts["false_negatives"]}


# ---- Gaps and borders --------------------------------------------------------------------------------------------------


def nearest_distances(labels) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel is from the nearest and from the second nearest object: the paper's d1 and d2.

    Distances are Euclidean, in pixels, from centre to centre. Inside an object d1 is 0 and d2 is the distance to the nearest
    other one. Where there is no such object the distance is infinite.

    Returns:
        tuple: float32 ``(H, W)`` twice, d1 <= d2.
    """
    labels = np.asarray(labels)
    d1, d2 = (np.full(labels.shape, np.inf, np.float32) for _ in range(2))
    for number in np.unique(labels[labels > 0]):
        distance = ndimage.distance_transform_edt(labels != number).astype(np.float32)
        d2 = np.minimum(d2, np.maximum(d1, distance))
        d1 = np.minimum(d1, distance)
    return d1, d2


def weight_map(labels, w0=10.0, sigma=5.0, balance=True) -> np.ndarray:
    """How much each pixel counts in the loss, float32: most in narrow gaps (Ronneberger et al., 2015, eq. 2).

    ``w(x) = w_c(x) + w0 * exp(-(d1(x) + d2(x))**2 / (2 * sigma**2))``, where the second part is added on background only: it is
    the gap that is to be learned. The paper does not say how w_c balances the classes. Here each class gets the same total, and
    w_c is 1 on average: ``w_c = pixels / (2 * pixels of that class)``.

    Args:
        labels: label map ``(H, W)``; what touches has no gap to weigh, see :func:`open_gaps`.
        w0: weight added in the narrowest gap.
        sigma: how fast it fades with d1 + d2, in pixels.
        balance: False for w_c = 1 everywhere, as in an image of one class only.
    """
    background = np.equal(labels, 0)
    share = background.mean()
    weight = np.where(background, 0.5 / share, 0.5 / (1 - share)) if balance and 0 < share < 1 else 1.0
    d1, d2 = nearest_distances(labels)
    return (weight + background * (w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)))).astype(np.float32)


def open_gaps(labels) -> np.ndarray:
    """Put a line of background, one pixel wide, between objects that touch; a very small object may be gone.

    Of two neighbouring pixels of two objects, the one of the object with the greater number becomes background.
    """
    padded = np.pad(labels, 1)
    middle = padded[1:-1, 1:-1]
    taken = np.zeros(middle.shape, bool)
    for neighbour in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        taken |= (neighbour > 0) & (neighbour < middle)
    return np.where(taken, 0, middle)


def border_classes(labels) -> np.ndarray:
    """Turn objects into three classes, uint8, so that a network can learn where one ends and the next begins.

    0 = background, 1 = inside, 2 = border: pixels of an object beside background or another object. The side of the image
    is no border.
    """
    border = segmentation.find_boundaries(np.asarray(labels), connectivity=1, mode="inner")
    return np.greater(labels, 0).astype(np.uint8) + border


# ---- From probabilities to objects -------------------------------------------------------------------------------------


def split_touching(probability, min_distance=5, threshold=0.5, smooth=1.0) -> np.ndarray:
    """Cut objects apart at their waists: watershed on the distance to the background.

    Each pixel's distance to the background is a landscape turned over: objects are basins. Every maximum of the distance is the
    marker of one object.

    Args:
        probability: ``(H, W)``, 0..1, or a mask of 0 and 1.
        min_distance: markers are more than this many pixels apart. Too small: objects fall into parts. Too large: small objects
            that touch stay joined.
        threshold: pixels with a greater probability belong to objects.
        smooth: standard deviation, in pixels, of the blur that removes ripples from the distance before markers are sought.

    Returns:
        int32 ``(H, W)``: label map; its objects cover the mask exactly.
    """
    inside = np.asarray(probability, float) > threshold
    distance = np.where(inside, ndimage.gaussian_filter(_depth(inside), smooth), 0)
    peaks = feature.peak_local_max(distance, min_distance=min_distance, labels=label(inside), exclude_border=False)
    markers = np.zeros(inside.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(markers, inside)


def watershed(markers, inside) -> np.ndarray:
    """Let markers grow until they meet or fill the mask; deep pixels, far from the background, are taken first.

    Args:
        markers: label map ``(H, W)``: one number for each object to be; the result, int32, has the same numbers.
        inside: bool or 0/1 ``(H, W)``, where objects may grow. A part of it without a marker stays background.
    """
    inside = np.asarray(inside, bool)
    return segmentation.watershed(-_depth(inside), np.asarray(markers), mask=inside).astype(np.int32)


def _depth(inside):
    """Distance to the background, in pixels; beyond the image's side the mask goes on."""
    return ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]


def from_borders(output, smallest=20) -> np.ndarray:
    """Turn probabilities ``(H, W, 3)`` of the classes of :func:`border_classes` into numbered objects, int32 ``(H, W)``.

    Connected parts where inside is more likely than not are markers, if they have the smallest number of pixels; they grow over
    all that is more likely object than background.
    """
    return watershed(remove_small(label(output[..., 1] > 0.5), smallest), output[..., 0] < 0.5)
