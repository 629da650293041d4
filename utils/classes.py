"""Which class is it? Labels, losses and scores for more than one class.

A class map holds one class number a pixel, 0 for the ground. Everything here takes the number of classes as ``count``, the
ground counted, because an array does not say which classes it happens to lack.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from utils import given, shapes

KINDS = ("disc", "square", "triangle")
"""The three kinds that notebook 07 tells apart; class ``k`` of its maps is ``KINDS[k - 1]``."""

NAMES = ("ground", *KINDS)
"""The names of its classes."""


SCALE = 0.7
"""How much smaller the shapes of notebook 07 are, so that two of them find room in a picture."""


# ---- Labels ------------------------------------------------------------------------------------------------------------


def one_hot(labels, count) -> np.ndarray:
    """Turn class numbers into one channel a class.

    Args:
        labels: integer array of any shape, 0 to ``count - 1``.
        count: how many classes, the ground counted.

    Returns:
        float32 array with one axis more, ``(..., count)``: 1 in the channel of the element's class, 0 elsewhere.

    Raises:
        TypeError: labels that are not integers.
        ValueError: a label out of range.
    """
    labels, count = _labels("labels", labels, count)
    return (labels[..., None] == np.arange(count)).astype(np.float32)


def softmax(logits) -> np.ndarray:
    """Divide a total of 1 among the last axis, in proportion to the exponentials.

    The largest logit is subtracted first: that changes nothing in the result, and no exponential overflows.

    Args:
        logits: array ``(..., classes)``.

    Returns:
        float64 array of the same shape, 0..1, whose last axis adds up to 1.

    Raises:
        TypeError: no numbers.
        ValueError: NaN, infinite values, or no class.
    """
    logits = _channelled("logits", logits)
    with np.errstate(over="ignore"):  # a difference beyond the largest number is minus infinity, whose exponential is 0
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(labels, probability) -> np.ndarray:
    """Categorical cross-entropy: minus the logarithm of the probability that the true class was given.

    Args:
        labels: integer array of any shape, 0 to ``count - 1``.
        probability: ``(..., count)``, 0..1; cut to 1e-7 and more, as Keras does.

    Returns:
        float64 array of the labels' shape: one loss an element.

    Raises:
        TypeError, ValueError: as :func:`one_hot`; shapes that do not fit.
    """
    labels, probability = _pair(labels, probability)
    chosen = np.take_along_axis(probability, labels[..., None].astype(np.intp), axis=-1)[..., 0]
    return -np.log(np.clip(chosen, 1e-7, 1))


def class_weights(labels, count) -> np.ndarray:
    """A weight for each class, so that all classes that occur weigh the same in total.

    ``pixels / (classes that occur * pixels of the class)``: the mean weight of a pixel is 1, so the learning rate keeps its
    meaning. A class that does not occur gets 0. Source: King and Zeng, "Logistic regression in rare events data", 2001.

    Args:
        labels: integer array of any shape.
        count: how many classes, the ground counted.

    Returns:
        float32 ``(count,)``.

    Raises:
        TypeError, ValueError: as :func:`one_hot`; no labels.
    """
    labels, count = _labels("labels", labels, count)
    if not labels.size:
        raise ValueError("There are no labels; give at least one.")
    pixels = np.bincount(labels.ravel().astype(np.intp), minlength=count)
    weights = labels.size / (np.count_nonzero(pixels) * np.maximum(pixels, 1))
    return np.where(pixels > 0, weights, 0).astype(np.float32)


def pixel_weights(labels, weights) -> np.ndarray:
    """Give every pixel the weight of its class.

    Args:
        labels: integer ``(N, H, W, 1)``, as :func:`utils.pipeline.dataset` takes them, or any other shape.
        weights: one number a class, 0 or more.

    Returns:
        float32 array of the labels' shape.

    Raises:
        TypeError, ValueError: as :func:`one_hot`; weights that are not numbers of 0 to 1e30.
    """
    weights = given.finite("weights", weights)
    if weights.ndim != 1 or not weights.size or weights.min() < 0 or weights.max() > 1e30:
        raise ValueError(f"weights is {given.shown(weights)}; give one number of 0 to 1e30 for each class.")
    labels, _ = _labels("labels", labels, len(weights))
    return weights.astype(np.float32)[labels]


# ---- The pictures ------------------------------------------------------------------------------------------------------


def plan(
    count, *, split="train", seed=0, kinds=KINDS, scale=SCALE, outlined=False, overlaps=False, **options
) -> shapes.Plan:
    """Plan pictures of one or two shapes of few kinds.

    Args:
        count, split, seed, kinds, options: as for :func:`utils.shapes.plan`.
        scale: shapes are this much smaller than those of :func:`utils.shapes.plan`, so that two of them find room.
        outlined: keep the shapes that are drawn as outlines; by default all are filled.
        overlaps: keep shapes that may overlap; by default a shape whose surrounding circle meets that of an earlier one in the
            same picture is left out, so every shape is seen whole.

    Returns:
        Plan: every picture is meant to have a second shape; most are left out again unless ``overlaps``.

    Raises:
        TypeError, ValueError: as :func:`utils.shapes.plan`; a scale that is not above 0 and at most 1.
    """
    scale = given.number("scale", scale, 1e-3, 1, "it must be above 0, at least .001, and at most 1")
    outlined, overlaps = given.flag("outlined", outlined), given.flag("overlaps", overlaps)
    planned = shapes.plan(count, split=split, seed=seed, kinds=kinds, **options)
    radius = planned.radius * np.float32(scale)
    centres = [_moved(place, planned.radius, radius) for place in (planned.x, planned.y)]
    present = planned.present.copy()
    present[:, 1] = True
    planned = dataclasses.replace(planned, radius=radius, x=centres[0], y=centres[1], present=present)
    if not outlined:
        planned = dataclasses.replace(planned, outlined=planned.outlined & False)
    return planned if overlaps else dataclasses.replace(planned, present=_apart(planned))


def _moved(place, old, new):
    """Where a centre lies when its shape is smaller: as far along the part of the picture that it may lie in."""
    along = (place - 0.85 * old) / (1 - 1.7 * old)
    return (0.85 * new + (1 - 1.7 * new) * along).astype(np.float32)


def _apart(planned):
    """Which shapes stay if none may meet an earlier one that stays: bool ``(N, slots)``."""
    present = planned.present.copy()
    for later in range(1, present.shape[1]):
        for earlier in range(later):
            distance = np.hypot(*(place[:, later] - place[:, earlier] for place in (planned.x, planned.y)))
            meets = distance <= planned.radius[:, later] + planned.radius[:, earlier]
            present[:, later] &= ~(meets & present[:, earlier])
    return present


def draw(count, *, chunk=64, **options) -> shapes.Samples:
    """Draw the pictures of :func:`plan`, some at a time so that memory stays small.

    Args:
        count: how many, or a sequence of picture numbers.
        chunk: how many at a time.
        options: as for :func:`plan`.

    Returns:
        Samples: its ``classes`` number the kinds as :data:`utils.shapes.CLASS_NAMES` does.

    Raises:
        TypeError, ValueError: as :func:`utils.shapes.draw` and :func:`plan`.
    """
    numbers, chunk = shapes.picture_numbers(count), given.whole("chunk", chunk, 1)
    return join([shapes.paint(plan(numbers[i : i + chunk], **options)) for i in range(0, len(numbers), chunk)])


def join(parts) -> shapes.Samples:
    """Put the samples of several :class:`utils.shapes.Samples` of one size into one.

    Raises:
        TypeError, ValueError: something else, none, or pictures of several sizes.
    """
    parts = given.many("parts", parts)
    if not parts or not all(isinstance(part, shapes.Samples) for part in parts):
        raise TypeError(
            f"parts is {given.shown(parts)}; give a list of what shapes.draw returns, with 1 entry or more."
        )
    if len({np.shape(part.images)[1:] for part in parts}) > 1:
        raise ValueError("parts hold pictures of several sizes; only pictures of one size can be joined.")
    names = [field.name for field in dataclasses.fields(shapes.Samples)]
    return shapes.Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def label_stack(plan, count, size=64) -> np.ndarray:
    """Labels that keep both where shapes overlap: for every class the whole silhouettes, also where another shape covers them.

    Args:
        plan: of the pictures, from :func:`plan`.
        count: how many classes, the ground counted.
        size: side of a picture in pixels.

    Returns:
        uint8 ``(N, size, size, count - 1)``, 0 or 1; channel ``k - 1`` belongs to class ``k``. The ground has no channel.

    Raises:
        TypeError: not a plan.
        ValueError: the plan shows a kind whose number is not below ``count``; a size out of range.
    """
    if not isinstance(plan, shapes.Plan):
        raise TypeError(f"plan is {given.shown(plan)}; give what classes.plan returns.")
    count, size = _count(count), given.whole("size", size, 16, 2048)
    stack = np.zeros((len(plan), size, size, count - 1), np.uint8)
    for slot in range(plan.present.shape[1]):
        alone = plan.present & (np.arange(plan.present.shape[1]) == slot)
        stack |= _channels(shapes.paint(dataclasses.replace(plan, present=alone), size).classes, count)
    return stack


def copy_layers(source, target) -> list[str]:
    """Copy the weights of all layers that two networks share by name and by shape.

    Args:
        source: the network that has learned.
        target: the network that shall begin there; it is changed.

    Returns:
        list: names of the target's layers with weights that found no partner and begin anew.

    Raises:
        TypeError: not two Keras models.
    """
    for name, model in (("source", source), ("target", target)):
        if not (hasattr(model, "layers") and hasattr(model, "get_layer")):
            raise TypeError(f"{name} is {given.shown(model)}; give a Keras model, as unet.build_unet returns.")
    learned = {layer.name: layer.get_weights() for layer in source.layers}
    fresh = []
    for layer in target.layers:
        there, own = learned.get(layer.name, []), layer.get_weights()
        if own and [w.shape for w in own] == [w.shape for w in there]:
            layer.set_weights(there)
        elif own:
            fresh.append(layer.name)
    return fresh


# ---- Scores ------------------------------------------------------------------------------------------------------------


def confusion(truth, predicted, count) -> np.ndarray:
    """Count which class was taken for which.

    Args:
        truth, predicted: class numbers, integer arrays of the same shape.
        count: how many classes, the ground counted.

    Returns:
        int64 ``(count, count)``: row = true class, column = predicted class.

    Raises:
        TypeError, ValueError: as :func:`one_hot`; shapes that differ.
    """
    truth, predicted, count = _both(truth, predicted, count)
    pairs = truth.ravel().astype(np.intp) * count + predicted.ravel()
    return np.bincount(pairs.astype(np.intp), minlength=count * count).reshape(count, count)


def class_iou(truth, predicted, count, *, per_image=False) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        truth, predicted: class numbers, integer arrays of the same shape; the first axis counts images.
        count: how many classes, the ground counted.
        per_image: False pools the pixels of all images; True gives one row an image.

    Returns:
        float64 ``(count,)`` or ``(N, count)``, 0..1. NaN for a class that is in neither map: there is nothing to score.

    Raises:
        TypeError, ValueError: as :func:`confusion`.
    """
    both, sizes = _counts(truth, predicted, count, per_image)
    return _ratio(both, sizes - both)


def class_dice(truth, predicted, count, *, per_image=False) -> np.ndarray:
    """Dice score of each class, ``2 IoU / (1 + IoU)``. Arguments, result and errors as for :func:`class_iou`."""
    both, sizes = _counts(truth, predicted, count, per_image)
    return _ratio(2 * both, sizes)


def mean_iou(truth, predicted, count, *, ground=False, per_image=False) -> float:
    """The IoU of the classes, averaged over those that occur in the truth or in the prediction.

    Args:
        truth, predicted, count: as for :func:`class_iou`.
        ground: count class 0 among the classes.
        per_image: False pools the pixels of all images, and averages the classes. True averages the classes of each image, then
            the images; an image without any class to score is left out.

    Returns:
        float, 0..1; NaN if there is nothing to score.

    Raises:
        TypeError, ValueError: as :func:`confusion`.
    """
    ground = given.flag("ground", ground)
    values = np.atleast_2d(class_iou(truth, predicted, count, per_image=per_image))[:, 0 if ground else 1 :]
    found = ~np.isnan(values)
    some = found.any(axis=1)
    if not some.any():
        return float("nan")
    return float(np.mean(np.where(found, values, 0).sum(axis=1)[some] / found.sum(axis=1)[some]))


def soft_iou(truth, probability) -> np.ndarray:
    """IoU of each class without a cut: probabilities in place of 0 and 1, all pixels pooled.

    The part in both is the sum of ``t p``, the part in either the sum of ``t + p - t p``; for probabilities of 0 and 1 this is
    :func:`class_iou`. Source: Rahman and Wang, "Optimizing intersection-over-union in deep neural networks", 2016.

    Args:
        truth: class numbers, integer ``(N, H, W)`` or any other shape.
        probability: ``(..., count)``, 0..1.

    Returns:
        float64 ``(count,)``, 0..1; NaN for a class that is in neither.

    Raises:
        TypeError, ValueError: as :func:`cross_entropy`.
    """
    truth, probability = _pair(truth, probability)
    count = probability.shape[-1]
    both, hot = (np.zeros(count) for _ in range(2))
    for k in range(count):  # one class at a time: a one-hot copy of everything would be several times as large
        here = truth == k
        both[k], hot[k] = probability[here, k].sum(), here.sum()
    return _ratio(both, hot + probability.reshape(-1, count).sum(axis=0) - both)


def class_of(probability) -> np.ndarray:
    """The class with the largest value, the first of those that are equal.

    Args:
        probability: ``(..., count)``.

    Returns:
        uint8 array without the last axis.

    Raises:
        TypeError: no numbers.
        ValueError: NaN, infinite values, no class, or more than 256.
    """
    probability = _channelled("probability", probability, None)
    if probability.shape[-1] > 256:
        raise ValueError(f"probability has shape {probability.shape}; at most 256 classes fit into a class map.")
    return np.argmax(probability, axis=-1).astype(np.uint8)


def shape_score(masks, probability) -> float:
    """Mean IoU of all classes but the ground, all pixels pooled: what :func:`utils.training.train` can follow.

    Args:
        masks: class numbers ``(N, H, W, 1)``.
        probability: the network's output, ``(N, H, W, count)``.

    Raises:
        TypeError, ValueError: as :func:`class_of` and :func:`confusion`.
    """
    masks, probability = given.array("masks", masks), given.array("probability", probability)
    if masks.ndim == 0 or masks.shape[-1] != 1:
        raise ValueError(f"masks have shape {masks.shape}; class numbers stand in one channel, (N, H, W, 1).")
    return mean_iou(masks[..., 0], class_of(probability), probability.shape[-1])


# ---- Helpers -----------------------------------------------------------------------------------------------------------


def _labels(name, labels, count):
    """Labels as an array and the number of classes as an int, or an error that says what is wrong with them."""
    labels, count = given.array(name, labels), _count(count)
    if labels.dtype.kind not in "ui":
        raise TypeError(
            f"{name} have dtype {labels.dtype}; class numbers are integers. Use astype('uint8'), and never divide them."
        )
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise ValueError(
            f"{name} run from {labels.min()} to {labels.max()}; with count={count} the classes are 0 to {count - 1}, "
            "the ground being 0."
        )
    return labels, count


def _count(count):
    return given.whole("count", count, 2, 1000, "with the ground there are 2 classes or more, at most 1000")


def _channelled(name, values, dtype=np.float64):
    """Finite numbers as an array with one or more of them along the last axis."""
    values = given.finite(name, values)
    values = values if dtype is None else values.astype(dtype, copy=False)
    if values.ndim < 1 or not values.shape[-1]:
        raise ValueError(f"{name} has shape {values.shape}; the last axis needs one value a class.")
    return values


def _both(truth, predicted, count):
    truth, count = _labels("truth", truth, count)
    predicted, _ = _labels("predicted", predicted, count)
    if truth.shape != predicted.shape:
        raise ValueError(f"truth has shape {truth.shape}, predicted {predicted.shape}; they must be the same.")
    return truth, predicted, count


def _pair(labels, probability):
    probability = _channelled("probability", probability)
    labels, _ = _labels("labels", labels, np.shape(probability)[-1])
    if probability.shape[:-1] != labels.shape:
        raise ValueError(
            f"labels have shape {labels.shape}, probabilities {probability.shape}; probabilities need one axis more, "
            "with one value a class."
        )
    if probability.size and not (probability.min() >= 0 and probability.max() <= 1 + 1e-6):
        raise ValueError(
            f"probabilities run from {probability.min():g} to {probability.max():g}; they must lie in 0..1. "
            "Logits need a softmax first."
        )
    return labels, probability


def _channels(labels, count):
    """One channel for each class but the ground, uint8."""
    return one_hot(labels, count)[..., 1:].astype(np.uint8)


def _counts(truth, predicted, count, per_image):
    """Pixels of each class in both maps, and the sum of its sizes in the two: ``(count,)`` or ``(N, count)``."""
    truth, predicted, count = _both(truth, predicted, count)
    if not given.flag("per_image", per_image):
        table = confusion(truth, predicted, count)
        return np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    if truth.ndim < 2 or not len(truth):
        raise ValueError(f"truth has shape {truth.shape}; to score each image, give 1 or more along the first axis.")
    tables = np.stack([confusion(*pair, count) for pair in zip(truth, predicted)])
    return np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=1) + tables.sum(axis=2)


def _ratio(part, whole):
    """part / whole, and NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
