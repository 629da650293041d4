"""The checks of notebook 01: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks, inspect_model, receptive_field, unet
from utils.checks import architecture


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def windows(features, size):
    height, width, channels = features.shape
    rows, columns = height // size, width // size
    return features[: rows * size, : columns * size].reshape(rows, size, columns, size, channels)


def sliding(features, size):
    return np.lib.stride_tricks.sliding_window_view(features, (size, size), axis=(0, 1)).max(axis=(-2, -1))


def padded(features, size):
    rest = [(0, -length % size) for length in features.shape[:2]]
    return windows(np.pad(features, [*rest, (0, 0)], constant_values=-1), size).max(axis=(1, 3))


def large(below):
    return below.repeat(2, axis=0).repeat(2, axis=1)


def nails(below):
    spread = np.zeros_like(large(below))
    spread[::2, ::2] = below
    return spread


def going_down(halves=2, doubles=2, first=1, early=0, less=0):
    def listed(size, depth, base):
        return [(size // halves ** (level + early), first * base * doubles**level) for level in range(depth + 1 - less)]

    return listed


def rule(first=1, less=1, early=False, grows=True, pools=True):
    def sees(stack):
        seen, jump = first, 1
        for kernel, stride in stack:
            jump *= stride if early else 1
            seen += (kernel - less) * jump if pools or stride == 1 else 0
            jump *= stride if grows and not early else 1
        return seen

    return sees


CONV, POOL = (3, 1), (2, 2)
LEVEL = [CONV, CONV, POOL]
by_hand, pooling, step_up = checks.convolution_by_hand, checks.max_pooling, checks.step_up
levels, field, way_down = checks.levels, checks.receptive_field_rule, checks.way_down

CASES = [
    (by_hand, None, "Waiting"),
    (by_hand, [11, None, None], "Waiting"),
    (way_down, None, "Waiting"),
    *((check, lambda *args: None, "Waiting") for check in (pooling, step_up, levels, field)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (pooling, step_up, levels, field)),
    (by_hand, [11, 0, 1], "Right."),
    (by_hand, np.array([11.0, 0.0, 1.0]), "Right."),
    (pooling, lambda f, size: windows(f, size).max(axis=(1, 3)), "Right."),
    (step_up, lambda below, skip: np.concatenate([skip, large(below)], axis=-1).tolist(), "Right."),
    (levels, going_down(), "Right."),
    (levels, lambda *args: zip(*np.transpose(going_down()(*args))), "Right."),
    (field, rule(), "Right."),
    (way_down, [*LEVEL * 3, CONV, CONV], "Right."),
    (way_down, [list(layer) for layer in [POOL] * 3 + [CONV] * 4], "Right."),
    (way_down, ((5, 1), *[POOL] * 3, (5, 1), CONV, CONV), "Right."),
    (by_hand, [11, 0], "you gave 2"),
    (by_hand, [11, 0, 2], "At row 3, column 3 you say 2."),
    (by_hand, [10, 0, 1], "At row 1, column 1 you say 10."),
    (by_hand, "eleven", "stopped with ValueError"),
    (pooling, lambda f, size: windows(f, size).mean(axis=(1, 3)), "average pooling"),
    (pooling, lambda f, size: windows(f, size).max(axis=(1, 3, 4)), "channels are gone"),
    (pooling, sliding, "windows overlap"),
    (pooling, padded, "left out"),
    (pooling, lambda f, size: f[::size, ::size][: len(f) // size, : f.shape[1] // size], "first pixel"),
    (pooling, lambda f, size: windows(f, size).min(axis=(1, 3)), "The first, at [0, 0, 0]"),
    (pooling, lambda f, size: windows(f, 2).max(axis=(1, 3)), "size 3"),
    (step_up, lambda below, skip: np.dstack([large(below), skip]), "order is skip first"),
    (step_up, lambda below, skip: np.dstack([skip, np.tile(below, (2, 2, 1))]), "four copies of the whole map"),
    (step_up, lambda below, skip: np.dstack([skip, nails(below)]), "Only one pixel of each 2x2 block"),
    (step_up, lambda below, skip: np.dstack([skip, large(below).repeat(2, axis=2)]), "there twice"),
    (step_up, lambda below, skip: skip + large(below), "You added them"),
    (step_up, lambda below, skip: skip, "the skip alone"),
    (step_up, lambda below, skip: large(below), "the skip is missing"),
    (step_up, lambda below, skip: np.dstack([skip[::2, ::2], below]), "as small as what comes from below"),
    (step_up, lambda below, skip: np.concatenate([skip, large(below)], axis=0), "channels are the last axis"),
    (step_up, lambda below, skip: np.dstack([skip, below]), "stopped with ValueError"),
    (levels, going_down(less=1), "bottleneck is missing"),
    (levels, going_down(doubles=1), "channels stay the same"),
    (levels, lambda s, d, b: [(s // 2**k, b * (k + 1)) for k in range(d + 1)], "They double"),
    (levels, going_down(first=2), "double the channels before the first level"),
    (levels, going_down(halves=1), "side stays the same"),
    (levels, going_down(halves=4), "the side is halved"),
    (levels, going_down(early=1), "pool before the first level"),
    (levels, lambda *args: [pair[::-1] for pair in going_down()(*args)], "order in a pair"),
    (levels, lambda *args: going_down()(*args)[::-1], "end with the bottleneck"),
    (levels, lambda *args: [(args[0], 3), *going_down()(*args)], "Leave out the image itself"),
    (levels, lambda *args: going_down()(*args)[:1], "You list 1 pairs"),
    (levels, lambda *args: going_down()(64, 3, 8), "For size 96, depth 2 and base 16"),
    (field, rule(grows=False), "jump never grows"),
    (field, rule(early=True), "too early"),
    (field, rule(first=0), "Start with 1"),
    (field, rule(less=0), "adds k - 1 jumps"),
    (field, rule(pools=False), "pooling layer has a window too"),
    (field, lambda stack: 18, "For the layers [] you say 18 px; it is 1 px. Each layer adds"),
    (way_down, LEVEL * 3, "see 36 px with 54 weights, and neighbouring pixels end 8 px apart. That is too narrow"),
    (way_down, [], "see 1 px with 0 weights"),
    (way_down, [CONV] * 32, "see 65 px with 288 weights, and neighbouring pixels end 1 px apart. Those are too many"),
    (way_down, [POOL] * 4 + [CONV] * 4, "16 px apart. That is too coarse"),
    (way_down, [POOL] * 3 + [(2, 1)] * 8, "(2, 1) is neither"),
    (way_down, [(64, 2)], "(64, 2) is neither"),
    (way_down, [3, 3, 2], "stopped with TypeError"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    out = said(capsys, check, answer)
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


PICTURE, KERNEL = architecture.PICTURE, architecture.KERNEL


def convolved(kernel=KERNEL, relu=True, shift=0, **padding):
    """The three numbers by plain loops over the windows."""
    padded = np.pad(PICTURE, 2, **padding)
    places = [(row + 1 + shift, column + 1 + shift) for row, column in architecture.PLACES]
    sums = [int((padded[row : row + 3, column : column + 3] * kernel).sum()) for row, column in places]
    return [max(number, 0) for number in sums] if relu else sums


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (convolved(), "Right."),
        (convolved(relu=False), "ReLU is missing"),
        (convolved(KERNEL[::-1, ::-1]), "turned the kernel"),
        (convolved(KERNEL.T), "swapped the kernel's rows"),
        (convolved(mode="edge"), "not copies of the nearest pixel"),
        (convolved(shift=1), "not its upper left corner"),
        (convolved(shift=-1), "counted from 0"),
        (np.round(np.divide(convolved(), 9), 2), "mean of the nine"),
    ],
)
def test_the_convolution_and_its_mistakes_get_their_own_words(capsys, answer, words):
    assert words in said(capsys, by_hand, answer)


def test_the_rules_agree_with_a_network():
    network = unet.build_unet((64, 64, 3), depth=3, base=1)
    blocks = [block.shape[1:] for block in inspect_model.blocks(network) if block.role in ("encoder", "bottleneck")]
    assert [tuple(shape) for shape in blocks] == going_down()(64, 3, 1)
    bottleneck = next(row for row in receptive_field.of_layers(network) if row.layer == "bottleneck_conv2")
    assert bottleneck.jump == 8 and bottleneck.rows == (68, 68) == (rule()([*LEVEL * 3, CONV, CONV]),) * 2
