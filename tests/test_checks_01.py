"""The checks of notebook 01's exercises: an empty stub waits, a solution passes, typical mistakes get their own message."""

import numpy as np
import pytest
from scipy import ndimage

from tests import notebooks
from utils import checks, inspect_model, unet
from utils.checks import architecture


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def windows(features, size):
    height, width, channels = features.shape
    rows, columns = height // size, width // size
    return features[: rows * size, : columns * size].reshape(rows, size, columns, size, channels)


def sliding(features, size):
    view = np.lib.stride_tricks.sliding_window_view(features, (size, size), axis=(0, 1))
    return view.max(axis=(-2, -1))


def padded(features, size):
    rest = [(0, -length % size) for length in features.shape[:2]]
    return windows(np.pad(features, [*rest, (0, 0)], constant_values=-1), size).max(axis=(1, 3))


FUNCTIONS = [checks.max_pooling, checks.step_up, checks.levels, checks.receptive_field_rule]
VALUES = [checks.convolution_by_hand, checks.way_down]


@pytest.mark.parametrize("check", FUNCTIONS)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *given: None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize("check", VALUES)
def test_an_empty_answer_waits(capsys, check):
    assert said(capsys, check, None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize("check", FUNCTIONS)
def test_code_that_stops_is_reported(capsys, check):
    assert "stopped with ZeroDivisionError" in said(capsys, check, lambda *given: 1 / 0)


@pytest.mark.parametrize("check", VALUES)
def test_an_answer_of_another_kind_is_reported(capsys, check):
    assert said(capsys, check, "eleven").startswith("✗")


# ---- Convolve by hand --------------------------------------------------------------------------------------------------


def correlated(picture, kernel, mode="constant"):
    """The convolution at every place, from SciPy."""
    return ndimage.correlate(picture, kernel, mode=mode)


def by_hand(sums, places=architecture.PLACES):
    return [max(sums[place], 0) for place in places]


PICTURE, KERNEL = architecture.PICTURE, architecture.KERNEL
SUMS = correlated(PICTURE, KERNEL)


@pytest.mark.parametrize("answer", [by_hand(SUMS), tuple(map(float, by_hand(SUMS))), np.array(by_hand(SUMS))])
def test_the_right_convolution_passes(capsys, answer):
    assert said(capsys, checks.convolution_by_hand, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([SUMS[place] for place in architecture.PLACES], "ReLU is missing"),
        (by_hand(ndimage.convolve(PICTURE, KERNEL, mode="constant")), "turned the kernel"),
        (by_hand(correlated(PICTURE, KERNEL.T)), "rows for its columns"),
        (by_hand(correlated(PICTURE, KERNEL, mode="nearest")), "not copies of the nearest pixel"),
        (by_hand(np.pad(SUMS, 1)[2:, 2:]), "not its upper left corner"),
        (by_hand(SUMS, [(0, 0), (0, 1), (2, 2)]), "counted from 0"),
        (np.round(np.array(by_hand(SUMS)) / 9, 2), "mean of the nine"),
        ([11, 0, 2], "At row 3, column 3 you say 2."),
        ([10, 0, 1], "At row 1, column 1 you say 10."),
        ([11, 0], "you gave 2"),
        (SUMS, "you gave 16"),
    ],
)
def test_each_mistake_in_the_convolution_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.convolution_by_hand, answer)
    assert told.startswith("✗") and message in told


def test_a_list_that_is_not_complete_waits(capsys):
    assert said(capsys, checks.convolution_by_hand, [11, None, None]) == "… Waiting for your answer.\n"


# ---- Max pooling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda features, size: windows(features, size).max(axis=(1, 3)),
        lambda features, size: sliding(features, size)[::size, ::size],
        lambda features, size: windows(features, size).max(axis=(1, 3)).tolist(),
    ],
)
def test_right_pooling_passes(capsys, answer):
    assert said(capsys, checks.max_pooling, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda features, size: windows(features, size).mean(axis=(1, 3)), "average pooling"),
        (lambda features, size: windows(features, size).max(axis=(1, 3, 4)), "channels are gone"),
        (sliding, "windows overlap"),
        (padded, "left out"),
        (
            lambda features, size: features[::size, ::size][: len(features) // size, : features.shape[1] // size],
            "first pixel",
        ),
        (lambda features, size: windows(features, size).min(axis=(1, 3)), "not the largest of their window"),
        (lambda features, size: windows(features, 2).max(axis=(1, 3)), "size 3"),
        (lambda features, size: features.max(axis=7), "stopped with AxisError"),
    ],
)
def test_each_mistake_in_pooling_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.max_pooling, answer)
    assert told.startswith("✗") and message in told


# ---- One step up -------------------------------------------------------------------------------------------------------


def large(below):
    return below.repeat(2, axis=0).repeat(2, axis=1)


def nails(below):
    spread = np.zeros_like(large(below))
    spread[::2, ::2] = below
    return spread


def joined(*maps, axis=-1):
    return np.concatenate(maps, axis=axis)


@pytest.mark.parametrize(
    "answer",
    [
        lambda below, skip: joined(skip, large(below)),
        lambda below, skip: np.dstack([skip, np.kron(below, np.ones((2, 2, 1)))]),
        lambda below, skip: joined(skip, large(below)).astype(np.float32).tolist(),
    ],
)
def test_a_right_step_up_passes(capsys, answer):
    assert said(capsys, checks.step_up, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda below, skip: joined(large(below), skip), "order is skip first"),
        (lambda below, skip: joined(skip, np.tile(below, (2, 2, 1))), "four copies of the whole map"),
        (lambda below, skip: joined(skip, nails(below)), "others are 0"),
        (lambda below, skip: joined(skip, large(below).repeat(2, axis=2)), "channels from below are there twice"),
        (lambda below, skip: skip + large(below), "you added them"),
        (lambda below, skip: skip, "the skip alone"),
        (lambda below, skip: large(below)[..., :2] if below.shape[-1] == 2 else None, "the skip is missing"),
        (lambda below, skip: joined(skip[::2, ::2], below), "as small as what comes from below"),
        (lambda below, skip: joined(skip, large(below), axis=0), "channels are the last axis"),
        (lambda below, skip: joined(skip, large(below), axis=1), "channels are the last axis"),
        (lambda below, skip: joined(skip, large(below), skip[..., :1]), "the result has the shape"),
        (lambda below, skip: joined(skip, large(below)[::-1]), "are not where they should be"),
        (lambda below, skip: joined(skip, below), "stopped with ValueError"),
    ],
)
def test_each_mistake_in_the_step_up_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.step_up, answer)
    assert told.startswith("✗") and message in told


# ---- Shapes on the way down --------------------------------------------------------------------------------------------


def in_the_network(size, depth, base):
    """The same from a real U-Net."""
    blocks = inspect_model.blocks(unet.build_unet((size, size, 3), depth=depth, base=base))
    return [block.shape[1:] for block in blocks if block.role in ("encoder", "bottleneck")]


def going_down(halves=2, doubles=2, first=1, early=0, less=0):
    def listed(size, depth, base):
        return [(size // halves ** (level + early), first * base * doubles**level) for level in range(depth + 1 - less)]

    return listed


@pytest.mark.parametrize(
    "answer",
    [
        in_the_network,
        going_down(),
        lambda *given: np.array(going_down()(*given), float),
        lambda *given: zip(*np.transpose(going_down()(*given))),
    ],
)
def test_the_right_shapes_pass(capsys, answer):
    assert said(capsys, checks.levels, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (going_down(less=1), "bottleneck is missing"),
        (going_down(doubles=1), "channels stay the same"),
        (lambda s, d, b: [(s // 2**k, b * (k + 1)) for k in range(d + 1)], "They double"),
        (going_down(first=2), "double the channels before the first level"),
        (going_down(halves=1), "side stays the same"),
        (going_down(halves=4), "The side is halved"),
        (going_down(early=1), "pool before the first level"),
        (lambda *given: [pair[::-1] for pair in going_down()(*given)], "order in a pair"),
        (lambda *given: going_down()(*given)[::-1], "end with the bottleneck"),
        (lambda *given: [(given[0], 3), *going_down()(*given)], "picture itself is not asked for"),
        (lambda s, d, b: [(side, side, c) for side, c in going_down()(s, d, b)], "pairs of two numbers"),
        (lambda *given: going_down()(*given)[:1], "you list 1 pairs"),
        (lambda *given: going_down()(64, 3, 8), "For size 96, depth 2 and base 16"),
        (lambda s, d, b: [(s // 2**k, b * 3**k) for k in range(d + 1)], "level 2 cannot be (48, 48)"),
        (lambda s, d, b: [*going_down()(s, d, b)[:-1], (8, 32)], "the bottleneck cannot be (8, 32)"),
    ],
)
def test_each_mistake_in_the_shapes_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.levels, answer)
    assert told.startswith("✗") and message in told


# ---- The growth rule ---------------------------------------------------------------------------------------------------


def rule(first=1, less=1, early=False, grows=True, pools=True):
    def sees(stack):
        seen, step = first, 1
        for kernel, stride in stack:
            if early:
                step *= stride
            if pools or stride == 1:
                seen += (kernel - less) * step
            if grows and not early:
                step *= stride
        return seen

    return sees


def test_the_right_rule_passes(capsys):
    assert said(capsys, checks.receptive_field_rule, rule()) == "✓ Right.\n"
    assert said(capsys, checks.receptive_field_rule, lambda stack: np.float32(rule()(stack))) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (rule(grows=False), "step never grows"),
        (rule(early=True), "too early"),
        (rule(first=0), "Start with 1"),
        (rule(less=0), "adds k - 1 steps"),
        (rule(pools=False), "pooling layer has a window too"),
        (lambda stack: 18, "then its stride multiplies the step"),
    ],
)
def test_each_mistake_in_the_rule_gets_its_own_message(capsys, answer, message):
    told = said(capsys, checks.receptive_field_rule, answer)
    assert told.startswith("✗") and message in told


# ---- A way down of one's own -------------------------------------------------------------------------------------------

CONV, POOL = (3, 1), (2, 2)
LEVEL = [CONV, CONV, POOL]


@pytest.mark.parametrize(
    "answer",
    [
        [*LEVEL * 3, CONV, CONV],
        [POOL] * 3 + [CONV] * 4,
        ((5, 1), *[POOL] * 3, (5, 1), CONV, CONV),
        [CONV, POOL] * 3 + [CONV] * 4,
        [list(layer) for layer in [POOL] * 3 + [CONV] * 4],
    ],
)
def test_a_way_down_that_sees_enough_passes(capsys, answer):
    assert said(capsys, checks.way_down, answer) == "✓ Right.\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (LEVEL * 3, "see 36 px with 54 weights, and neighbouring pixels end 8 px apart. That is too narrow"),
        ([], "see 1 px with 0 weights"),
        ([CONV] * 32, "see 65 px with 288 weights, and neighbouring pixels end 1 px apart. Those are too many"),
        ([POOL] * 4 + [CONV] * 4, "16 px apart. That is too coarse"),
        ([POOL] * 6, "64 px apart. That is too coarse"),
        ([POOL] * 3 + [(2, 1)] * 8, "(2, 1) is neither"),
        ([(64, 2)], "(64, 2) is neither"),
        ([(3, 2), CONV], "(3, 2) is neither"),
        ([(3, 1, 1)], "(3, 1, 1) is neither"),
        ([3, 3, 2], "stopped with TypeError"),
    ],
)
def test_a_way_down_beyond_the_limits_is_told_which(capsys, answer, message):
    told = said(capsys, checks.way_down, answer)
    assert told.startswith("✗") and message in told


def test_the_way_down_in_the_network_sees_what_the_check_says():
    table = inspect_model.field_table(unet.build_unet((64, 64, 3), depth=3, base=1))
    [line] = [line for line in table.splitlines() if line.startswith("bottleneck_conv2")]
    assert line.split()[-4:] == ["8", "px", "68", "px"]
    assert architecture._field([*LEVEL * 3, CONV, CONV]) == 68


# ---- The notebook ------------------------------------------------------------------------------------------------------


def test_the_solutions_in_the_notebook_are_right(capsys):
    path = next(path for path in notebooks.find() if path.stem == "01_architecture")
    cells = notebooks.code_cells(notebooks.read(path))
    given = {"checks": checks, "np": np}
    for cell in cells:
        if "def convolve(" in cell.source or cell.source.startswith("numbers ="):
            exec(cell.source, given)
    capsys.readouterr()
    solutions = [cell.source for cell in cells if "solution" in cell.metadata.get("tags", [])]
    assert len(solutions) == 6
    for source in solutions:
        exec(source, given)
        assert capsys.readouterr().out == "✓ Right.\n"
