"""The answers to the exercises of notebook 01 architecture."""

from __future__ import annotations

import numpy as np
from keras import layers
from scipy import ndimage

from utils.checks.base import Waiting, call, check, judge, number

PICTURE = np.array([[3, 1, 0, 2], [0, 2, 5, 1], [4, 1, 0, 3], [1, 0, 2, 6]])
KERNEL = np.array([[0, 1, 0], [-1, 0, 2], [0, 0, -1]])
PLACES = ((1, 1), (1, 2), (3, 3))
"""The numbers of the exercise "convolve by hand", as the notebook shows them."""


@check
def convolution_by_hand(answer):
    """A convolution with zero padding, then a ReLU: ``answer`` is a list of three numbers, one for each place."""
    values = np.ravel(np.asarray(call(answer), float))
    if np.isnan(values).any():
        raise Waiting
    if len(values) != len(PLACES):
        yield f"Give {len(PLACES)} numbers, one for each place; you gave {len(values)}."
    right = _by_hand()
    mistakes = (
        (_by_hand(smallest=-99), "The ReLU is missing: it sets negative values to zero."),
        (_by_hand(KERNEL[::-1, ::-1]), "You turned the kernel by half a circle. Use it as it is printed."),
        (_by_hand(KERNEL.T), "You swapped the kernel's rows and columns."),
        (_by_hand(mode="nearest"), "Beyond the border there are zeros, not copies of the nearest pixel."),
        (_by_hand(shift=1), "The middle of the window lies on the place, not its upper left corner."),
        (_by_hand(shift=-1), "Rows and columns are counted from 0."),
        (right / 9, "You took the mean of the nine products. Add them up."),
    )
    wrong = int(np.argmax(values != right))
    otherwise = (
        f"At row {PLACES[wrong][0]}, column {PLACES[wrong][1]} you say {values[wrong]:g}. Put the kernel's middle on that "
        "pixel, multiply the nine pairs of numbers and add them up; outside the image there is 0."
    )
    yield judge(values, right, mistakes, otherwise=otherwise, atol=0.01)


def _by_hand(kernel=KERNEL, mode="constant", shift=0, smallest=0):
    """The values at the three places, or ``shift`` pixels below them and to the right."""
    sums = np.pad(ndimage.correlate(PICTURE, kernel, mode=mode), 1)
    return np.array([max(sums[row + 1 + shift, column + 1 + shift], smallest) for row, column in PLACES])


@check
def max_pooling(answer):
    """Max pooling with windows of any size: ``answer(features, size)`` for an ``(H, W, C)`` array."""
    generator = np.random.default_rng(0)
    for shape, size in (((6, 4, 2), 2), ((9, 6, 1), 3), ((7, 5, 2), 2)):
        features = generator.permutation(np.prod(shape)).reshape(shape).astype(np.float32)
        right, mean = (pool(size)(features[None])[0] for pool in (layers.MaxPooling2D, layers.AveragePooling2D))
        rows, columns, channels = right.shape
        mistakes = (
            (mean, "That is the mean of each window (average pooling). Take the largest value."),
            (features[::size, ::size][:rows, :columns], "You keep the first pixel of each window, not the largest."),
        )
        overlapping = (shape[0] - size + 1, shape[1] - size + 1, channels)
        padded = (-(-shape[0] // size), -(-shape[1] // size), channels)
        shapes = {
            padded: "Rows and columns that do not fill a window are left out.",
            overlapping: f"Your windows overlap. Move the window by {size} pixels each time, not by 1.",
            (rows, columns): "The channels are gone. Pool each channel on its own, over rows and columns only.",
        }
        case = f"For an array of shape {shape} and size {size}: "
        yield judge(call(answer, features, size), right, mistakes, shapes, case)


@check
def step_up(answer):
    """One step up the decoder: ``answer(below, skip)`` enlarges what comes from below and joins it with the skip."""
    generator = np.random.default_rng(0)
    for (height, width, channels), carried in (((3, 2, 2), 2), ((2, 3, 2), 3), ((2, 2, 1), 4)):
        below = 1.0 + generator.permutation(height * width * channels).reshape(height, width, channels)
        skip = -1.0 - generator.permutation(4 * height * width * carried).reshape(2 * height, 2 * width, carried)
        large = below.repeat(2, axis=0).repeat(2, axis=1)
        nails = np.zeros_like(large)
        nails[::2, ::2] = below
        added = skip + large if carried == channels else skip
        mistakes = (
            (skip, "That is the skip alone; what comes from below is missing."),
            (large, "That is what comes from below alone; the skip is missing."),
            (added, "You added them. Concatenate the channels, so that the next layer can weigh each."),
            (np.dstack([large, skip]), "The order is skip first, then what comes from below, as in the network."),
            (np.dstack([skip, np.tile(below, (2, 2, 1))]), "You put four copies of the whole map side by side."),
            (np.dstack([skip, nails]), "Only one pixel of each 2x2 block is filled. Repeat the value in all four."),
        )
        stacked = "You joined them along rows or columns. The channels are the last axis."
        shapes = {
            (4 * height, 2 * width, carried): stacked,
            (2 * height, 4 * width, carried): stacked,
            (height, width, carried + channels): "The result is as small as what comes from below. Enlarge that.",
            (2 * height, 2 * width, carried + 2 * channels): "The channels from below are there twice.",
        }
        case = f"For {below.shape} from below and {skip.shape} over the skip: "
        yield judge(call(answer, below, skip), np.dstack([skip, large]), mistakes, shapes, case)


@check
def levels(answer):
    """The shapes on the way down: ``answer(size, depth, base)`` lists ``(side, channels)``, the bottleneck last."""
    for size, depth, base in ((96, 2, 16), (64, 3, 8), (256, 4, 4), (32, 1, 64)):
        level = np.arange(depth + 1)
        sides, channels = size // 2**level, base * 2**level
        right = np.column_stack([sides, channels])
        columns = (
            (sides, 0 * level + base, "The channels stay the same. Each level has twice as many as the one above."),
            (sides, base * (level + 1), "The channels grow by the same number each time. They double."),
            (sides, 2 * channels, "You double the channels before the first level; it has `base` of them."),
            (0 * level + size, channels, "The side stays the same. Each pooling halves it."),
            (size // 4**level, channels, "A 2x2 pooling halves the rows and the columns, so the side is halved."),
            (sides // 2, channels, "You pool before the first level; it works at the full size."),
            (channels, sides, "The order in a pair is (side, channels)."),
        )
        mistakes = [(np.column_stack(pair), sentence) for *pair, sentence in columns]
        mistakes += [
            (right[:-1], "The bottleneck is missing: after the last pooling there is one more block."),
            ([(size, 3), *right], "Leave out the image itself; begin with level 1."),
            (right[::-1], "Begin with level 1, at the full size, and end with the bottleneck."),
        ]
        wanted = f"there is one for each level and one for the bottleneck, {depth + 1}."
        shapes = {(count, 2): f"You list {count} pairs; {wanted}" for count in range(20)}
        case = f"For size {size}, depth {depth} and base {base}: "
        yield judge(list(call(answer, size, depth, base)), right, mistakes, shapes, case)


LEVEL = [(3, 1), (3, 1), (2, 2)]
STACKS = ([], LEVEL[:1], LEVEL[:2], LEVEL, [*LEVEL, *LEVEL[:2]], [*LEVEL, *LEVEL, *LEVEL[:2]], [(5, 1), (3, 2), (3, 1)])


@check
def receptive_field_rule(answer):
    """The growth rule: ``answer(layers)`` for a list of ``(kernel, stride)``, first layer first; in pixels."""
    mistakes = {
        "jump": "The jump never grows. After a layer with stride 2, neighbouring pixels lie twice as far apart in the input.",
        "late": "You change the jump too early: a layer adds (kernel - 1) * jump with the jump BEFORE its own stride.",
        "zero": "Start with 1: before any layer, a pixel sees itself.",
        "kernel": "A kernel of k pixels adds k - 1 jumps, because the pixel in the middle of it was seen before.",
        "pool": "A pooling layer has a window too: it adds (kernel - 1) * jump like any other layer.",
    }
    values, right = [number(call(answer, stack)) for stack in STACKS], [_field(stack) for stack in STACKS]
    wrong = [([_field(stack, mistake) for stack in STACKS], sentence) for mistake, sentence in mistakes.items()]
    stack, value, wanted = next((row for row in zip(STACKS, values, right) if row[1] != row[2]), (None, 1, 1))
    case = f"For the layers {stack} you say {value:g} px; it is {wanted} px. "
    rule = "Each layer adds (kernel - 1) * jump; then its stride multiplies the jump."
    yield judge(values, right, wrong, case=case, otherwise=rule)


def _field(stack, mistake=None):
    """Receptive field of a stack of (kernel, stride), right or with one of the typical mistakes."""
    seen, jump = int(mistake != "zero"), 1
    for kernel, stride in stack:
        if mistake == "late":
            jump *= stride
        if not (mistake == "pool" and stride > 1):
            seen += (kernel - (mistake != "kernel")) * jump
        if mistake not in ("late", "jump"):
            jump *= stride
    return seen


SEE, WEIGHTS, JUMP = 64, 72, 8
"""What is asked of a way down of one's own: px to see at least, weights and px between neighbours at most."""


@check
def way_down(answer):
    """A way down of one's own that sees far for little: ``answer`` is a list of ``(kernel, stride)``, first layer first."""
    stack = [tuple(layer) for layer in call(answer)]
    for layer in stack:
        if layer != (2, 2) and (len(layer) != 2 or layer[1] != 1 or layer[0] % 2 != 1):
            yield f"{layer} is neither a 2x2 pooling, (2, 2), nor a convolution with an odd kernel, such as (3, 1)."
    seen, jump = _field(stack), 2 ** stack.count((2, 2))
    weights = sum(kernel**2 for kernel, stride in stack if stride == 1)
    found = f"Your layers see {seen} px with {weights} weights, and neighbouring pixels end {jump} px apart."
    if jump > JUMP:
        yield f"{found} That is too coarse: at most {JUMP} px apart. Remove a pooling."
    if weights > WEIGHTS:
        yield f"{found} Those are too many weights: at most {WEIGHTS}. A kernel adds twice as much after a pooling."
    if seen < SEE:
        yield f"{found} That is too narrow: at least {SEE} px. Which layers widen the view most, and where?"
