"""The checks of notebook 08: an empty stub waits, a right answer passes, typical mistakes are named."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from utils import checks, instances, unet


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "check", [checks.valid_output, checks.weights_by_hand, checks.moved_pair, checks.enough_halo, checks.mirror]
)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


def test_a_half_filled_stub_waits(capsys):
    assert said(capsys, checks.moved_pair, lambda image, mask, field: (image, None)).startswith("…")


@pytest.mark.parametrize(
    "check", [checks.valid_output, checks.weights_by_hand, checks.moved_pair, checks.enough_halo, checks.mirror]
)
def test_an_error_is_told(capsys, check):
    assert "ZeroDivisionError" in said(capsys, check, lambda *args: 1 / 0)


# ---- Sizes -------------------------------------------------------------------------------------------------------------


def through(size, depth, *, bottom=4, up=4, last=4):
    for _ in range(depth):
        size = (size - 4) // 2
    size -= bottom
    for level in range(depth):
        size = 2 * size - (last if level == depth - 1 else up)
    return size


@pytest.mark.parametrize(
    "answer", [through, lambda s, d: dict(unet.valid_sizes(d, s))[s], lambda s, d: s - 12 * 2**d + 8]
)
def test_right_sizes_pass(capsys, answer):
    assert said(capsys, checks.valid_output, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda s, d: s, "the input"),
        (lambda s, d: s - 184, "four poolings only"),
        (lambda s, d: 28, "bottom. The way up"),
        (lambda s, d: 28 * 16, "way up each level"),
        (lambda s, d: s - 8 * d - 4, "full resolution"),
        (lambda s, d: through(s, d, last=0), "last double convolution"),
        (lambda s, d: through(s, d, bottom=0), "at the bottom are missing"),
        (lambda s, d: s / 7, "whole number"),
        (lambda s, d: (s, s), "one number"),
        (lambda s, d: 17, "should be 388"),
    ],
)
def test_wrong_sizes_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.valid_output, wrong)
    assert out.startswith("✗") and word in out


# ---- Weights -----------------------------------------------------------------------------------------------------------


def weights(distance, *, ground=True, square=2, factor=lambda sigma: 2 * sigma**2, w0=True, plus=0.0):
    def answer(labels, given, sigma):
        d1, d2 = (d.astype(float) for d in instances.distances(labels))
        weight = (given if w0 else 1) * np.exp(-(distance(d1, d2) ** square) / factor(sigma)) + plus
        return np.where(labels == 0, weight, 0) if ground else weight

    return answer


def total(d1, d2):
    return d1 + d2


def test_right_weights_pass(capsys):
    assert said(capsys, checks.weights_by_hand, weights(total)).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (weights(lambda d1, d2: 2 * d1), "first distance twice"),
        (weights(lambda d1, d2: np.hypot(d1, d2)), "square is taken of the sum"),
        (weights(lambda d1, d2: d1), "d1 alone"),
        (weights(lambda d1, d2: d2), "d2 alone"),
        (weights(total, square=1), "not squared"),
        (weights(total, factor=lambda sigma: 2 * sigma), "Sigma is not squared"),
        (weights(total, factor=lambda sigma: sigma**2), "2 below the line"),
        (weights(total, w0=False), "factor w0"),
        (weights(total, plus=1), "without w_c"),
        (weights(total, ground=False), "On objects the weight is 0"),
        (weights(lambda d1, d2: d1 * d2), "d1 is"),
        (lambda labels, w0, sigma: 3.0, "one weight a pixel"),
    ],
)
def test_wrong_weights_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.weights_by_hand, wrong)
    assert out.startswith("✗") and word in out


# ---- Moving ------------------------------------------------------------------------------------------------------------


def mover(order=3, mask_order=0, sign=1, swap=False, mode="nearest", clip=True, mask_sign=None):
    def look_up(array, places, order):
        parts = [map_coordinates(array[..., c], places, order=order, mode=mode) for c in range(array.shape[-1])]
        return np.stack(parts, -1)

    def answer(image, mask, field):
        field = field[::-1] if swap else field
        still = np.indices(field.shape[1:])
        moved = look_up(image, still + sign * field, order)
        moved = np.clip(moved, 0, 1) if clip else moved
        return moved, look_up(mask, still + (sign if mask_sign is None else mask_sign) * field, mask_order)

    return answer


@pytest.mark.parametrize("mode", ["nearest", "mirror", "reflect", "constant"])
def test_a_right_pair_passes_whatever_lies_beyond_the_border(capsys, mode):
    assert said(capsys, checks.moved_pair, mover(mode=mode)).startswith("✓")


def soft(image, mask, field):
    return mover()(image, mask, field)[0], mover(mask_order=1)(image, mask.astype(np.float32), field)[1]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (soft, "other than 0 and 1"),
        (mover(sign=-1), "subtract"),
        (mover(swap=True), "swapped"),
        (mover(order=1), "bilinear"),
        (mover(order=0), "nearest neighbour"),
        (mover(clip=False), "overshoots"),
        (lambda i, m, f: (mover()(i, m, f)[0], m), "has not moved"),
        (mover(mask_sign=-1), "the mask is not"),
        (lambda i, m, f: (np.roll(i, 3, 0), np.roll(m, 3, 0)), "another one"),
        (lambda i, m, f: mover()(i, m, f)[0], "two arrays"),
        (lambda i, m, f: (i[..., 0], m), "shape"),
    ],
)
def test_wrong_pairs_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.moved_pair, wrong)
    assert out.startswith("✗") and word in out


# ---- Halo and mirror ---------------------------------------------------------------------------------------------------


def test_the_right_halo_passes(capsys):
    assert said(capsys, checks.enough_halo, lambda reach, p: -(-reach // 2**p) * 2**p).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda r, p: r, "round up"),
        (lambda r, p: r // 2**p * 2**p, "rounded down"),
        (lambda r, p: 2 * r, "one side"),
        (lambda r, p: r // 2**p * 2**p + 2**p, "multiple of 16 already"),
        (lambda r, p: r + 1, "should be 24"),
        (lambda r, p: 51 if r == 50 else -(-r // 2**p) * 2**p, "not 3"),
        (lambda r, p: 96, "should be"),
        (lambda r, p: [r, r], "one number"),
    ],
)
def test_wrong_halos_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.enough_halo, wrong)
    assert out.startswith("✗") and word in out


def padded(mode):
    return lambda picture, border: np.pad(picture, ((border, border), (border, border), (0, 0)), mode=mode)


def test_the_right_mirror_passes(capsys):
    assert said(capsys, checks.mirror, padded("reflect")).startswith("✓")


def one_axis(axis):
    def answer(picture, border):
        done = padded("reflect")(picture, border)
        wrong = padded("edge")(picture, border)
        keep = [slice(None)] * 3
        keep[1 - axis] = slice(border, -border)
        wrong[tuple(keep)] = done[tuple(keep)]
        return wrong

    return answer


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (padded("symmetric"), "repeat the border"),
        (padded("edge"), "last pixel all the way"),
        (padded("wrap"), "other side"),
        (padded("constant"), "zeros"),
        (lambda p, b: np.pad(p, b, mode="reflect"), "colours"),
        (lambda p, b: p, "pixels more"),
        (lambda p, b: padded("reflect")(p[::-1], b), "unchanged"),
        (one_axis(0), "Above and below all is right"),
        (one_axis(1), "To the left and to the right all is right"),
        (lambda p, b: padded("reflect")(p, b) * padded("constant")(np.ones_like(p), b), "zeros"),
    ],
)
def test_wrong_mirrors_are_recognised(capsys, wrong, word):
    out = said(capsys, checks.mirror, wrong)
    assert out.startswith("✗") and word in out
