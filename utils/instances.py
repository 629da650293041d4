"""Objects in place of pixels: number them, match them, tell touching ones apart.

Everything here works on label maps: integer ``(H, W)``, 0 for ground and another whole number for each object. Two pixels are
neighbours when they share a side; objects that meet at a corner only do not touch.

Labelling and watershed come from scikit-image, distances and the assignment from SciPy.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage, optimize
from skimage import feature, measure, segmentation

from utils import given, shapes

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""The IoU that a pair must reach, in the ten steps of the 2018 Data Science Bowl."""


@dataclasses.dataclass(frozen=True)
class Matches:
    """Which predicted object is which true one.

    Attributes:
        pairs: ``(true id, predicted id, IoU)``, in the order of the true ids; an id is in one pair at most.
        missed: ids of true objects that are in no pair.
        invented: ids of predicted objects that are in no pair.
    """

    pairs: list[tuple[int, int, float]]
    missed: list[int]
    invented: list[int]


def label(mask) -> np.ndarray:
    """Number the connected objects of a mask.

    Args:
        mask: ``(H, W)``, 0 or 1, any dtype.

    Returns:
        int32 ``(H, W)``: 0 = ground, 1, 2, ... = objects in reading order of their first pixels.

    Raises:
        TypeError: no numbers.
        ValueError: not two axes, or other values than 0 and 1. (A probability is cut at a threshold first.)
    """
    mask = given.finite("mask", mask)
    if mask.ndim != 2:
        raise ValueError(f"mask has shape {mask.shape}; it needs two axes (H, W). Use mask[..., 0] for one channel.")
    if not ((mask == 0) | (mask == 1)).all():
        raise ValueError(
            f"mask holds values from {mask.min():g} to {mask.max():g} in between 0 and 1 or beyond; only 0 and 1 are "
            "allowed. Cut a probability with (probability > 0.5)."
        )
    return measure.label(mask.astype(bool), connectivity=1).astype(np.int32)


def overlaps(truth, predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pixels that each true object shares with each predicted one.

    Args:
        truth, predicted: integer label maps ``(H, W)``.

    Returns:
        tuple: ids of the true objects ``(T,)``, ids of the predicted objects ``(P,)``, both ascending, and the table of
        shared pixels ``(T + 1, P + 1)``. Row 0 and column 0 are the ground; the sum of a row is the object's size.

    Raises:
        TypeError, ValueError: as :func:`check_labels`; two sizes.
    """
    truth, predicted = check_labels("truth", truth), check_labels("predicted", predicted)
    if truth.shape != predicted.shape:
        raise ValueError(
            f"truth is {truth.shape}, predicted is {predicted.shape}; both need the same height and width."
        )
    ids, numbered = [], []
    for labels in (truth, predicted):
        found = np.union1d([0], labels)
        ids.append(found[1:])
        numbered.append(np.searchsorted(found, labels))
    rows, columns = len(ids[0]) + 1, len(ids[1]) + 1
    table = np.bincount((numbered[0] * columns + numbered[1]).ravel(), minlength=rows * columns)
    return ids[0], ids[1], table.reshape(rows, columns)


def iou_table(truth, predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IoU of each true object with each predicted one: true ids, predicted ids, float ``(T, P)``."""
    true_ids, predicted_ids, table = overlaps(truth, predicted)
    shared = table[1:, 1:]
    union = table[1:].sum(1)[:, None] + table[:, 1:].sum(0)[None] - shared
    return true_ids, predicted_ids, shared / union


def match(truth, predicted, threshold=0.5) -> Matches:
    """Pair true and predicted objects, one to one.

    Of all ways to pair objects whose IoU reaches the threshold, the one with most pairs is taken, and among those the one
    with the greatest sum of IoU. Above .5 there is only one way: two objects cannot both hold more than half of a third.

    Args:
        truth, predicted: integer label maps ``(H, W)``.
        threshold: smallest IoU of a pair, above 0 and up to 1.

    Returns:
        Matches

    Raises:
        TypeError, ValueError: as :func:`overlaps`; a threshold out of range.
    """
    threshold = _threshold(threshold)
    return _pair(*iou_table(truth, predicted), threshold)


def _pair(true_ids, predicted_ids, iou, threshold) -> Matches:
    """Assign by scipy's solver of the assignment problem: a pair is worth 1, its IoU decides between equals."""
    fits = iou >= threshold
    worth = fits * (1 + iou / (min(iou.shape, default=0) + 1))
    pairs = [(r, c) for r, c in zip(*optimize.linear_sum_assignment(worth, maximize=True), strict=True) if fits[r, c]]
    used = [{r for r, _ in pairs}, {c for _, c in pairs}]
    return Matches(
        [(int(true_ids[r]), int(predicted_ids[c]), float(iou[r, c])) for r, c in pairs],
        [int(i) for r, i in enumerate(true_ids) if r not in used[0]],
        [int(i) for c, i in enumerate(predicted_ids) if c not in used[1]],
    )


def average_precision(truth, predicted, thresholds=THRESHOLDS):
    """Score objects: pairs / (pairs + missed + invented), at each threshold of IoU.

    The score of the 2018 Data Science Bowl (Caicedo and others, Nature Methods 16, 2019), which averages it over its ten
    thresholds and then over the images. (In object detection "average precision" is another number.)

    Args:
        truth, predicted: integer label maps ``(H, W)``.
        thresholds: smallest IoU of a pair; one number or several.

    Returns:
        float64 array, one score a threshold; a float if ``thresholds`` is one number. 1 where both maps are empty.

    Raises:
        TypeError, ValueError: as :func:`overlaps`; a threshold out of range.
    """
    table = iou_table(truth, predicted)
    thresholds = given.array("thresholds", thresholds)
    if thresholds.ndim > 1 or not 1 <= thresholds.size <= 1000:
        raise ValueError(f"thresholds has shape {thresholds.shape}; give one number, or a list of 1 to 1000.")
    scores = []
    for threshold in np.atleast_1d(thresholds).tolist():
        threshold = _threshold(threshold)
        found = _pair(*table, threshold)
        everything = len(found.pairs) + len(found.missed) + len(found.invented)
        scores.append(len(found.pairs) / everything if everything else 1.0)
    return scores[0] if np.ndim(thresholds) == 0 else np.array(scores)


def merged_and_split(truth, predicted) -> tuple[list[int], list[int]]:
    """Find true objects that were joined with another one, and true objects that fell into parts.

    * merged: one predicted object covers more than half of this true object and more than half of another one.
    * split: two or more predicted objects have more than half of their own pixels in this true object.

    Args:
        truth, predicted: integer label maps ``(H, W)``.

    Returns:
        tuple: two ascending lists of true ids. An object can be in both, or in none.
    """
    true_ids, _, table = overlaps(truth, predicted)
    shared = table[1:, 1:]
    covers = 2 * shared > table[1:].sum(1)[:, None]
    lies_in = 2 * shared > table[:, 1:].sum(0)[None]
    merged = (covers & (covers.sum(0) >= 2)[None]).any(1)
    split = lies_in.sum(1) >= 2
    return true_ids[merged].tolist(), true_ids[split].tolist()


def distances(labels) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel is from the nearest and from the second nearest object: the paper's d1 and d2.

    Distances are Euclidean, from the centre of the pixel to the centre of the object's closest pixel. Inside an object d1 is
    0 and d2 is the distance to the nearest other one. Where there is no such object the distance is infinite.

    Args:
        labels: integer label map ``(H, W)``.

    Returns:
        tuple: float32 ``(H, W)`` twice, d1 <= d2.
    """
    labels = check_labels("labels", labels)
    d1, d2 = (np.full(labels.shape, np.inf, np.float32) for _ in range(2))
    for number in np.unique(labels[labels > 0]):
        distance = ndimage.distance_transform_edt(labels != number).astype(np.float32)
        d2 = np.minimum(d2, np.maximum(d1, distance))
        d1 = np.minimum(d1, distance)
    return d1, d2


def weight_map(labels, w0=10.0, sigma=5.0, balance=True) -> np.ndarray:
    """How much each pixel counts in the loss: most in narrow gaps between objects (Ronneberger and others, 2015, eq. 2).

    ``w(x) = w_c(x) + w0 * exp(-(d1(x) + d2(x))**2 / (2 * sigma**2))``, where the second part is added on ground only: it is
    the gap that shall be learned. With fewer than two objects there is none.

    The paper does not say how w_c balances the classes. Here each class gets the same total, and w_c is 1 on average:
    ``w_c = pixels / (2 * pixels of that class)``. A picture with one class only has w_c = 1.

    Args:
        labels: integer label map ``(H, W)``; what touches has no gap to weigh, see :func:`gaps`.
        w0: weight added in the narrowest gap, 0 or more.
        sigma: how fast it fades with d1 + d2, in pixels, above 0.
        balance: False for w_c = 1 everywhere.

    Returns:
        float32 ``(H, W)``

    Raises:
        TypeError, ValueError: as :func:`check_labels`; numbers out of range.
    """
    balance = given.flag("balance", balance)
    w0, sigma = given.number("w0", w0, 0, 1e30), given.number("sigma", sigma, 1e-3, 1e9, "it must be greater than 0")
    labels = check_labels("labels", labels)
    ground = labels == 0
    weight = np.ones(labels.shape)
    if balance and 0 < ground.sum() < ground.size:
        share = ground.mean()
        weight = np.where(ground, 0.5 / share, 0.5 / (1 - share))
    d1, d2 = distances(labels)
    return (weight + ground * (w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)))).astype(np.float32)


def gaps(labels) -> np.ndarray:
    """Put a line of ground, one pixel wide, between objects that touch.

    Of two neighbouring pixels of two objects, the one of the object with the greater number becomes ground.

    Args:
        labels: integer label map ``(H, W)``.

    Returns:
        array like ``labels``; no two objects in it touch. A very small object may be gone.
    """
    labels = check_labels("labels", labels)
    padded = np.pad(labels, 1)
    taken = np.zeros(labels.shape, bool)
    for neighbour in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        taken |= (neighbour > 0) & (neighbour < labels)
    return np.where(taken, 0, labels).astype(labels.dtype)


def border_classes(labels, width=1) -> np.ndarray:
    """Turn objects into three classes, so that a network can learn where one object ends and the next begins.

    Args:
        labels: integer label map ``(H, W)``.
        width: a pixel of an object is border if ground or another object is reached in this many steps to a side, 1 or
            more. The side of the picture is no border.

    Returns:
        uint8 ``(H, W)``: 0 = ground, 1 = inside, 2 = border.
    """
    labels = check_labels("labels", labels)
    width = given.whole("width", width, 1, 100, "a border is 1 pixel wide or more, at most 100")
    if not labels.size:
        raise ValueError(f"labels has shape {labels.shape}; a label map needs a pixel.")
    steps = np.abs(np.arange(-width, width + 1))
    around = steps[:, None] + steps[None] <= width
    smallest = ndimage.minimum_filter(labels, footprint=around, mode="nearest")
    largest = ndimage.maximum_filter(labels, footprint=around, mode="nearest")
    return np.where(labels == 0, 0, np.where(smallest == largest, 1, 2)).astype(np.uint8)


def split_touching(probability, min_distance=5, threshold=0.5, smooth=1.0) -> np.ndarray:
    """Cut objects apart at their waists: watershed on the distance to the ground.

    Each pixel's distance to the ground is a landscape turned over: objects are basins. Every maximum of the distance is the
    seed of one object.

    Args:
        probability: ``(H, W)``, 0..1, or a mask of 0 and 1.
        min_distance: seeds are more than this many pixels apart. Too small: objects fall into parts. Too large: small objects
            that touch stay joined.
        threshold: pixels with a greater probability belong to objects.
        smooth: standard deviation, in pixels, of the blur that removes ripples from the distance before seeds are sought.

    Returns:
        int32 ``(H, W)``: label map; its objects cover the mask exactly.

    Raises:
        TypeError, ValueError: no finite numbers, not two axes, or a number out of range.
    """
    probability = given.finite("probability", probability).astype(float)
    min_distance = given.whole("min_distance", min_distance, 1, 10_000)
    threshold, smooth = given.number("threshold", threshold), given.number("smooth", smooth, 0, 1000)
    if probability.ndim != 2:
        raise ValueError(f"probability has shape {probability.shape}; it needs two axes (H, W).")
    if not probability.size:
        raise ValueError(f"probability has shape {probability.shape}; it needs a pixel.")
    inside = probability > threshold
    distance = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]
    distance = ndimage.gaussian_filter(distance, smooth) if smooth else distance
    peaks = feature.peak_local_max(
        np.where(inside, distance, 0), min_distance=min_distance, labels=label(inside),
        exclude_border=False,
    )  # fmt: skip
    seeds = np.zeros(inside.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(seeds, inside)


def watershed(seeds, inside) -> np.ndarray:
    """Let seeds grow until they meet or fill the mask; deep pixels, far from the ground, are taken first.

    Args:
        seeds: integer label map ``(H, W)``: one number for each object to be.
        inside: bool or 0/1 ``(H, W)``, where objects may grow. A part of it without a seed stays ground.

    Returns:
        int32 ``(H, W)``: label map with the numbers of the seeds.

    Raises:
        TypeError, ValueError: as :func:`check_labels`; two sizes; numbers beyond 2**31 - 1.
    """
    seeds, inside = check_labels("seeds", seeds), given.finite("inside", inside).astype(bool)
    if seeds.shape != inside.shape:
        raise ValueError(f"seeds are {seeds.shape}, inside is {inside.shape}; both need the same height and width.")
    if not seeds.size or seeds.max() > 2**31 - 1:
        raise ValueError(f"seeds is {given.shown(seeds)}; it needs a pixel, and numbers of at most 2**31 - 1.")
    distance = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]
    return segmentation.watershed(-distance, seeds, mask=inside).astype(np.int32)


def check_labels(name, labels) -> np.ndarray:
    """Return a label map as an array, or raise an error that says what is wrong with it.

    Args:
        name: what the error calls it.
        labels: integer ``(H, W)``, 0 or more.

    Returns:
        signed integer array ``(H, W)``.

    Raises:
        TypeError: other numbers than whole ones.
        ValueError: not two axes, or numbers below 0 or beyond 2**63 - 1.
    """
    labels = given.array(name, labels)
    if labels.ndim != 2:
        raise ValueError(f"{name} has shape {labels.shape}; a label map has two axes (H, W).")
    if labels.dtype == bool or labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name} has dtype {labels.dtype}; a label map holds whole numbers. Number the objects of a mask with label(mask)."
        )
    if labels.size and labels.min() < 0:
        raise ValueError(f"{name} holds {labels.min()}; objects have numbers from 1 on, 0 is ground.")
    if labels.size and labels.max() > 2**63 - 1:
        raise ValueError(f"{name} holds {labels.max()}; numbers of objects end at 2**63 - 1.")
    return labels.astype(np.int64) if labels.dtype.kind == "u" else labels


def _threshold(threshold):
    threshold = given.number("threshold", threshold, 0, 1, "it must be above 0 and at most 1")
    if threshold == 0:
        raise ValueError(f"threshold is {threshold}; it must be above 0 and at most 1.")
    return threshold


def touching(count, *, split="train", seed=0, size=64) -> shapes.Samples:
    """Draw four discs of one colour in each picture, packed so that each meets another one.

    Where two discs meet they overlap by 1.5 pixels at most, or leave up to 1.5 pixels of ground between them (at 64 x 64).
    Ground, specks, lines and noise are those of level ``standard``, see :mod:`utils.shapes`.

    Args:
        count, split, seed, size: as for :func:`utils.shapes.draw`.

    Returns:
        Samples: ``instances`` tells the discs apart; ``masks`` joins those that touch.

    Raises:
        TypeError, ValueError: as :func:`utils.shapes.draw`.
    """
    plan = shapes.plan(count, split=split, seed=seed, kinds=("disc",))
    plan.present[:], plan.outlined[:] = True, False
    plan.colour[:] = plan.colour[:, :1]
    for row, key in enumerate(plan.keys):
        rng = np.random.default_rng([*map(int, key), 2])
        plan.x[row], plan.y[row], plan.radius[row] = _pack(rng, plan.x.shape[1])
    return shapes.paint(plan, size)


def _pack(rng, count, gap=1.5 / 64, side=0.03):
    """Centres and radii of discs that meet, in shares of the picture's side: try places at random until all fit."""
    while True:
        x, y, radius = rng.uniform(0.3, 0.7, (1, 1)), rng.uniform(0.3, 0.7, (1, 1)), rng.uniform(0.11, 0.16, count)
        x, y = x.ravel(), y.ravel()
        for _ in range(50 * count):
            number = len(x)
            beside, angle = rng.integers(number), rng.uniform(0, 2 * np.pi)
            reach = radius[beside] + radius[number] + rng.uniform(-gap, gap)
            new_x, new_y = x[beside] + reach * np.cos(angle), y[beside] + reach * np.sin(angle)
            limit = radius[number] + side
            fits = limit <= new_x <= 1 - limit and limit <= new_y <= 1 - limit
            if fits and (np.hypot(new_x - x, new_y - y) >= radius[:number] + radius[number] - gap).all():
                x, y = np.append(x, new_x), np.append(y, new_y)
                if len(x) == count:
                    return x, y, radius


def tally(truths, predictions, threshold=0.5) -> dict[str, int]:
    """Count over many pictures what became of the objects.

    Args:
        truths, predictions: label maps, ``(N, H, W)`` or lists of ``(H, W)``.
        threshold: smallest IoU of a pair.

    Returns:
        dict: ``objects``, ``matched`` and ``missed`` (see :func:`match`), ``merged`` and ``split`` (see
        :func:`merged_and_split`) count true objects; ``invented`` counts predicted ones.

    Raises:
        TypeError, ValueError: as :func:`match`; two numbers of pictures.
    """
    truths, predictions = given.many("truths", truths), given.many("predictions", predictions)
    if len(truths) != len(predictions):
        raise ValueError(f"There are {len(truths)} truths and {len(predictions)} predictions; give one for each.")
    counts = dict.fromkeys(("objects", "matched", "missed", "merged", "split", "invented"), 0)
    for truth, predicted in zip(truths, predictions, strict=True):
        found, (merged, split) = match(truth, predicted, threshold), merged_and_split(truth, predicted)
        for name, some in (("matched", found.pairs), ("missed", found.missed), ("invented", found.invented)):
            counts[name] += len(some)
        counts["merged"] += len(merged)
        counts["split"] += len(split)
    counts["objects"] = counts["matched"] + counts["missed"]
    return counts
