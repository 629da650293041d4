"""The answers to the exercises of notebook 01 architecture."""

from __future__ import annotations

import numpy as np

from utils.checks.base import Waiting, call, check, number

PICTURE = np.array([[3, 1, 0, 2], [0, 2, 5, 1], [4, 1, 0, 3], [1, 0, 2, 6]])
KERNEL = np.array([[0, 1, 0], [-1, 0, 2], [0, 0, -1]])
PLACES = ((1, 1), (1, 2), (3, 3))
"""The numbers of the exercise "convolve by hand", as the notebook shows them."""


@check
def convolution_by_hand(answer):
    """A convolution with zero padding, then a ReLU: ``answer`` is a list of three numbers, one for each place."""
    mistakes = {
        "relu": "The ReLU is missing: it sets negative values to zero.",
        "flipped": "You turned the kernel by half a circle. Lay it on the picture as it is printed.",
        "transposed": "You took the kernel's rows for its columns.",
        "edge": "Around the border lie zeros, not copies of the nearest pixel.",
        "corner": "The middle of the window lies on the place, not its upper left corner.",
        "counted": "Rows and columns are counted from 0.",
        "mean": "You took the mean of the nine products. Add them up.",
    }
    values = np.ravel(np.asarray(call(answer), float))
    if np.isnan(values).any():
        raise Waiting
    if len(values) != len(PLACES):
        return f"Give {len(PLACES)} numbers, one for each place; you gave {len(values)}."
    if np.allclose(values, _by_hand()):
        return None
    for mistake, reason in mistakes.items():
        if np.allclose(values, _by_hand(mistake), atol=0.01):
            return reason
    (row, column), value = next((p, v) for p, v, right in zip(PLACES, values, _by_hand()) if not np.isclose(v, right))
    return (
        f"At row {row}, column {column} you say {value:g}. Lay the kernel's middle on that pixel, multiply the nine pairs "
        "of numbers and add them up; outside of the picture there is 0."
    )


def _by_hand(mistake=None):
    """The three values, right or with one of the typical mistakes."""
    kernel = {"flipped": KERNEL[::-1, ::-1], "transposed": KERNEL.T}.get(mistake, KERNEL)
    before = 0 if mistake == "corner" else 1
    padded = np.pad(PICTURE, (before, 2 - before), mode="edge" if mistake == "edge" else "constant")
    sums = []
    for row, column in np.array(PLACES) - (mistake == "counted"):
        sums.append((padded[row : row + 3, column : column + 3] * kernel).sum())
    values = np.array(sums) / (9 if mistake == "mean" else 1)
    return values if mistake == "relu" else np.maximum(values, 0)


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
def step_up(answer):
    """One step up the decoder: ``answer(below, skip)`` enlarges what comes from below and lays it behind the skip."""
    generator = np.random.default_rng(0)
    for (height, width, channels), carried in (((3, 2, 2), 2), ((2, 3, 2), 3), ((2, 2, 1), 4)):
        below = 1.0 + generator.permutation(height * width * channels).reshape(height, width, channels)
        skip = -1.0 - generator.permutation(4 * height * width * carried).reshape(2 * height, 2 * width, carried)
        result = np.asarray(call(answer, below.copy(), skip.copy()))
        large = below.repeat(2, axis=0).repeat(2, axis=1)
        right = np.concatenate([skip, large], axis=-1)
        if result.shape == right.shape and np.array_equal(result, right):
            continue
        case = f"For {below.shape} from below and {skip.shape} over the skip: "
        if result.shape == skip.shape and np.array_equal(result, skip + large):
            return case + "you added them. Lay the channels side by side, so that the next layer can weigh each."
        if result.shape == skip.shape and np.array_equal(result, skip):
            return case + "that is the skip alone; what comes from below is missing."
        if result.shape == large.shape and np.array_equal(result, large):
            return case + "that is what comes from below alone; the skip is missing."
        if result.shape[:2] == (height, width):
            return case + "the result is as small as what comes from below. Enlarge that, and leave the skip as it is."
        if result.shape in ((4 * height, 2 * width, carried), (2 * height, 4 * width, carried)):
            return case + "you laid them below or beside each other in the picture. The channels are the last axis."
        if result.shape == (*skip.shape[:2], carried + 2 * channels):
            return case + "the channels from below are there twice. Repeat rows and columns only."
        if result.shape != right.shape:
            return case + f"the result has the shape {result.shape}; it should be {right.shape}."
        if np.array_equal(result, np.concatenate([large, skip], axis=-1)):
            return case + "the order is skip first, then what comes from below, as in the network."
        arrived = result[..., carried:]
        if np.array_equal(arrived, np.tile(below, (2, 2, 1))):
            return case + "you laid four copies of the whole map side by side. Each single pixel becomes a 2x2 block."
        if np.array_equal(arrived[::2, ::2], below) and not arrived[1::2].any():
            return case + "only one pixel of each 2x2 block is filled; the others are 0. Repeat the value."
        wrong = int((result != right).sum())
        return case + f"{wrong} of {right.size} values are not where they should be."
    return None


@check
def levels(answer):
    """The shapes on the way down: ``answer(size, depth, base)`` lists ``(side, channels)``, the bottleneck last."""
    mistakes = {
        "bottleneck": "The bottleneck is missing: after the last pooling there is one more block.",
        "channels": "The channels stay the same. Each level has twice as many as the one above.",
        "added": "The channels grow by the same number each time. They double.",
        "early": "You double the channels before the first level; it has `base` of them.",
        "size": "The side stays the same. Each pooling halves it.",
        "quarter": "A 2x2 pooling leaves a quarter of the pixels: half the rows and half the columns. The side is halved.",
        "pooled": "You pool before the first level; it works at the full size.",
        "swapped": "The order in a pair is (side, channels).",
        "upward": "Begin with level 1, at the full size, and end with the bottleneck.",
        "image": "The picture itself is not asked for; begin with level 1.",
    }
    for size, depth, base in ((96, 2, 16), (64, 3, 8), (256, 4, 4), (32, 1, 64)):
        given = [tuple(np.ravel(pair).tolist()) for pair in call(answer, size, depth, base)]
        right = _levels(size, depth, base)
        if given == right:
            continue
        case = f"For size {size}, depth {depth} and base {base}: "
        for mistake, reason in mistakes.items():
            if given == _levels(size, depth, base, mistake):
                return case + reason
        if any(len(pair) != 2 for pair in given):
            return case + "give pairs of two numbers, (side, channels)."
        if len(given) != depth + 1:
            return (
                case
                + f"you list {len(given)} pairs; there is one for each level and one for the bottleneck, {depth + 1}."
            )
        place, pair = next((k, pair) for k, pair in enumerate(given) if pair != right[k])
        where = f"level {place + 1}" if place < depth else "the bottleneck"
        return case + f"{where} cannot be {pair}. Each pooling halves the side, and each level doubles the channels."
    return None


def _levels(size, depth, base, mistake=None):
    """Side and channels at every level, right or with one of the typical mistakes."""
    pairs = []
    for level in range(depth + (mistake != "bottleneck")):
        side = size // {"size": 1, "quarter": 4**level, "pooled": 2 ** (level + 1)}.get(mistake, 2**level)
        times = {"channels": 1, "added": level + 1, "early": 2 ** (level + 1)}.get(mistake, 2**level)
        pairs.append((base * times, side) if mistake == "swapped" else (side, base * times))
    if mistake == "image":
        return [(size, 3), *pairs]
    return pairs[::-1] if mistake == "upward" else pairs


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


SEE, WEIGHTS, STEP = 64, 72, 8
"""What is asked of a way down of one's own: px to see at least, weights and px between neighbours at most."""


@check
def way_down(answer):
    """A way down of one's own that sees far for little: ``answer`` is a list of ``(kernel, stride)``, first layer first."""
    stack = [tuple(layer) for layer in call(answer)]
    for layer in stack:
        if layer != (2, 2) and (len(layer) != 2 or layer[1] != 1 or layer[0] % 2 != 1):
            return f"{layer} is neither a 2x2 pooling, (2, 2), nor a convolution with an odd kernel, such as (3, 1)."
    seen, step = _field(stack), 2 ** stack.count((2, 2))
    weights = sum(kernel**2 for kernel, stride in stack if stride == 1)
    found = f"Your layers see {seen} px with {weights} weights, and neighbouring pixels end {step} px apart. "
    if step > STEP:
        return found + f"That is too coarse: at most {STEP} px apart. Take a pooling away."
    if weights > WEIGHTS:
        return (
            found
            + f"Those are too many weights: at most {WEIGHTS}. The same kernel adds twice as much after a pooling."
        )
    if seen < SEE:
        return (
            found + f"That is too narrow: at least {SEE} px. Which layers widen the view most, and where in the list?"
        )
    return None
