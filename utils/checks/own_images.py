"""The answers to the exercises of notebook 10 your own images."""

from __future__ import annotations

import numpy as np

from utils import metrics
from utils.checks.base import call, check, judge, number

NAMES = [
    f"p{patient:02d}_{eye}_{number:03d}" for patient in (3, 12, 13) for eye in ("left", "right") for number in (1, 22)
]


@check
def stays_together(answer):
    """What must stay on one side of a split, from a file's name: ``answer("p03_left_012")``."""
    groups = [call(answer, name) for name in NAMES]
    if len(set(map(str, groups))) == len(NAMES):
        yield "Every file is a group of its own, so images of one patient can lie on both sides."
    if len(set(map(str, groups))) == 1:
        yield "All files are one group, so nothing can be held out."
    for name, group in zip(NAMES, groups):
        for other, another in zip(NAMES, groups):
            same = name[:3] == other[:3]
            if same and group != another:
                yield f"{name} and {other} show one patient, and lie in two groups: {group!r} and {another!r}."
            if not same and group == another:
                yield f"{name} and {other} show two patients, and lie in one group: {group!r}."


@check
def mean_iou(answer):
    """The mean IoU of VOC and Cityscapes: ``answer(truths, predictions, classes)``, lists of ``(H, W)``, 255 is void."""
    rng, classes = np.random.default_rng(10), 5
    truths = [rng.choice(4, (9, 8), p=p) for p in ((0.5, 0.5, 0, 0), (0.8, 0.1, 0.05, 0.05))]
    predictions = [np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 4, truth.shape), truth) for truth in truths]
    for truth in truths:
        truth[rng.random(truth.shape) < 0.2] = 255  # and class 4 occurs nowhere
    known = [truth != 255 for truth in truths]
    truth, predicted = (np.concatenate([one[k] for one, k in zip(maps, known)]) for maps in (truths, predictions))
    each = metrics.class_iou(truth, predicted, classes)
    single = [metrics.mean_iou(t[k], p[k], classes, background=True) for t, p, k in zip(truths, predictions, known)]
    with_void = metrics.mean_iou(np.stack(truths), np.stack(predictions), classes, background=True)
    mistakes = (
        (with_void, "void pixels count as wrong. Leave out every pixel whose truth is 255."),
        (np.mean(single), "that is the mean over images. Pool the pixels of all images, then take the mean over classes."),
        (np.nansum(each) / classes, "class 4 occurs nowhere and counts as 0. Leave it out of the mean."),
        ((np.nansum(each) + 1) / classes, "class 4 occurs nowhere and counts as 1. Leave it out of the mean."),
        (np.nanmean(each[1:]), "class 0 is missing. These two benchmarks count it like the others."),
        (np.mean(truth == predicted), "that is the pixel accuracy."),
    )  # fmt: skip
    value = number(call(answer, truths, predictions, classes))
    yield judge(value, np.nanmean(each), mistakes, case=f"You return {value:.3f}; ", otherwise="it is another number.")


@check
def mean_over_flips(answer):
    """The mean of four mirrored predictions, each mirrored back: ``answer(predict, image)``, ``(H, W, C)``."""
    image, seen = np.random.default_rng(10).random((6, 8, 1)), []

    def predict(one):
        seen.append(np.array(one))
        return np.cumsum(np.cumsum(one, axis=0), axis=1) / 48  # what lies above and to the left counts: flips matter

    def mean(flips, back=True):
        return np.mean([flip(predict(flip(image))) if back else predict(flip(image)) for flip in flips], axis=0)

    both, across, down = (lambda a: a[::-1, ::-1]), (lambda a: a[:, ::-1]), (lambda a: a[::-1])
    four = (lambda a: a), across, down, both
    value = np.asarray(call(answer, predict, image.copy()))
    count = len(seen)
    mistakes = (
        (mean(four, back=False), "the predictions are not mirrored back before the mean."),
        (mean(four[:1]), "that is the plain prediction. Predict mirrored images too."),
        (mean(four[:2]), "only left and right are exchanged. Mirror top and bottom as well, and both at once."),
        (mean(four[:3]), "the image that is mirrored both ways is missing."),
        (4 * mean(four), "that is the sum. Divide by the number of predictions."),
        (mean(four[1:]), "the plain prediction is missing."),
    )
    yield judge(value, mean(four), mistakes, case=f"From {count} predictions: ", otherwise="it is another mean.")


@check
def padded(answer):
    """An image whose sides are multiples, enlarged below and to the right: ``answer(image, multiple)``."""
    for height, width, multiple in ((48, 32, 16), (50, 70, 16), (64, 33, 32)):
        image = np.random.default_rng(10).random((height, width, 3)).astype(np.float32)
        value = np.asarray(call(answer, image, multiple))
        wanted = (-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3)
        case = f"An image of {height} x {width}, multiples of {multiple}: "
        if value.ndim != 3:
            yield f"{case}return (H, W, C); yours has shape {value.shape}."
        if min(np.subtract(value.shape, image.shape)) < 0:
            yield f"{case}you cut it to {value.shape[0]} x {value.shape[1]}. Nothing may be lost; enlarge it."
        if value.shape != wanted and (height, width) == wanted[:2]:
            yield f"{case}nothing is to be done; yours is {value.shape[0]} x {value.shape[1]}. -{height} % {multiple} is 0."
        if value.shape != wanted:
            yield f"{case}{wanted[0]} x {wanted[1]} is the next; yours is {value.shape[0]} x {value.shape[1]}."
        if not np.allclose(value[:height, :width], image):
            yield f"{case}the upper left corner is not the image. Add rows below and columns on the right, and do not resize."
