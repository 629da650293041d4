"""The answers to the exercises of notebook 01 architecture."""

from __future__ import annotations

import numpy as np

from utils.checks.base import call, check, number


@check
def max_pooling(answer):
    """Max pooling with windows of any size: ``answer(features, size)`` for an ``(H, W, C)`` array."""
    generator = np.random.default_rng(0)
    for shape, size in (((6, 4, 2), 2), ((9, 6, 1), 3), ((7, 5, 2), 2)):
        features = generator.permutation(np.prod(shape)).reshape(shape).astype(np.float32)
        rows, columns = shape[0] // size, shape[1] // size
        result = np.asarray(call(answer, features.copy(), size), float)
        cut = features[: rows * size, : columns * size].astype(float)
        windows = cut.reshape(rows, size, columns, size, shape[2])
        right = windows.max(axis=(1, 3))
        if result.shape == right.shape and np.array_equal(result, right):
            continue
        case = f"For an array of shape {shape} and size {size}: "
        if result.shape == right.shape[:2] and shape[2] > 1:
            return case + "the channels are gone. Pool each channel on its own, over rows and columns only."
        if result.shape[:2] == (shape[0] - size + 1, shape[1] - size + 1):
            return case + f"your windows overlap. Move the window by {size} pixels each time, not by 1."
        if result.shape != right.shape:
            hint = " Rows and columns that do not fill a window are left out." if shape[0] % size else ""
            return case + f"the result has the shape {result.shape}; it should be {right.shape}.{hint}"
        if np.allclose(result, windows.mean(axis=(1, 3))):
            return case + "that is the mean of each window (average pooling). Here the largest value is asked for."
        if np.array_equal(result, windows[:, 0, :, 0]):
            return case + "you keep the first pixel of each window, not the largest."
        wrong = int((result != right).sum())
        return case + f"{wrong} of {right.size} values are not the largest of their window."
    return None


@check
def receptive_field_rule(answer):
    """The growth rule: ``answer(layers)`` for a list of ``(kernel, stride)``, first layer first; in pixels."""
    mistakes = {
        "step": "The step never grows. After a layer with stride 2, neighbouring pixels lie twice as far apart in the input.",
        "late": "You change the step too early: a layer adds (kernel - 1) * step with the step BEFORE its own stride.",
        "zero": "Start with 1: before any layer, a pixel sees itself.",
        "kernel": "A kernel of k pixels adds k - 1 steps, because the pixel in the middle of it was seen before.",
        "pool": "A pooling layer has a window too: it adds (kernel - 1) * step like any other layer.",
    }
    suspects = set(mistakes)
    complaint = None
    two = [(3, 1), (3, 1)]
    encoder = [*two, (2, 2), *two]
    for layers in ([], two[:1], two, [*two, (2, 2)], encoder, [*encoder, (2, 2), *two], [(5, 1), (3, 2), (3, 1)]):
        result, right = number(call(answer, list(layers))), _field(layers)
        suspects = {name for name in suspects if _field(layers, name) == result}
        if result != right and complaint is None:
            complaint = f"For the layers {layers} you say {result:g} px; it is {right} px."
    if complaint is None:
        return None
    reasons = [mistakes[name] for name in mistakes if name in suspects]
    rule = "Each layer adds (kernel - 1) * step; then its stride multiplies the step."
    return f"{complaint} {reasons[0] if reasons else rule}"


def _field(layers, mistake=None):
    """Receptive field of a stack of (kernel, stride), right or with one of the typical mistakes."""
    seen, step = int(mistake != "zero"), 1
    for kernel, stride in layers:
        if mistake == "late":
            step *= stride
        if not (mistake == "pool" and stride > 1):
            seen += (kernel - (mistake != "kernel")) * step
        if mistake not in ("late", "step"):
            step *= stride
    return seen
