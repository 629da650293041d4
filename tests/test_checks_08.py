"""The checks of notebook 08: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from utils import checks, objects


def through(size, depth, *, bottom=4, last=4):
    for _ in range(depth):
        size = (size - 4) // 2
    size -= bottom
    for level in range(depth):
        size = 2 * size - (last if level == depth - 1 else 4)
    return size


def weights(distance, *, square=2, below=lambda sigma: 2 * sigma**2, w0=True, plus=0.0, everywhere=False):
    def answer(labels, factor, sigma):
        d1, d2 = (d.astype(float) for d in objects.nearest_distances(labels))
        weight = (factor if w0 else 1) * np.exp(-(distance(d1, d2) ** square) / below(sigma)) + plus
        return weight if everywhere else np.where(labels == 0, weight, 0)

    return answer


def look_up(array, field, order, mode="nearest"):
    places = np.indices(field.shape[1:]) + field
    return np.stack(
        [map_coordinates(channel, places, order=order, mode=mode) for channel in np.moveaxis(array, -1, 0)], -1
    )


def mover(order=3, mode="nearest", most=1, image_field=lambda f: f, mask_field=None, cut=lambda mask: mask):
    """The right answer or one with a mistake in the fields, in the orders, or in what is done to the mask first."""

    def answer(image, mask, field):
        moved = look_up(image, image_field(field), order, mode).clip(1 - most, most)
        return moved, look_up(cut(mask), (mask_field or image_field)(field), 0 if cut(mask).dtype == np.uint8 else 1)

    return answer


def pad(mode):
    return lambda image, border: np.pad(image, ((border, border), (border, border), (0, 0)), mode=mode)


def right_along(axis):
    """Reflected beyond two sides of the image, and the last pixel repeated beyond the others."""

    def answer(image, border):
        widths = [(border, border) if k == axis else (0, 0) for k in range(3)]
        others = [(border, border) if k == 1 - axis else (0, 0) for k in range(3)]
        return np.pad(np.pad(image, widths, mode="reflect"), others, mode="edge")

    return answer


output, weigh, move, mirror = checks.valid_output, checks.weights_by_hand, checks.moved_pair, checks.mirror
total = np.add

CASES = [
    (move, lambda image, mask, field: (image, None), "Waiting"),
    *((check, lambda *args: None, "Waiting") for check in (output, weigh, move, mirror)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (output, weigh, move, mirror)),
    (output, through, "Right."),
    (output, lambda size, depth: size - 12 * 2**depth + 8, "Right."),
    (weigh, weights(total), "Right."),
    *((move, mover(mode=mode), "Right.") for mode in ("nearest", "mirror", "reflect", "constant")),
    (mirror, pad("reflect"), "Right."),
    (output, lambda size, depth: size, "the input"),
    (output, lambda size, depth: size - 184, "four poolings only"),
    (output, lambda size, depth: 28, "bottom. The way up"),
    (output, lambda size, depth: 28 * 16, "way up each level"),
    (output, lambda size, depth: size - 8 * depth - 4, "full resolution"),
    (output, lambda size, depth: through(size, depth, last=0), "last double convolution"),
    (output, lambda size, depth: through(size, depth, bottom=0), "at the bottom are missing"),
    (output, lambda size, depth: size / 7, "whole number"),
    (output, lambda size, depth: (size, size), "one number"),
    (output, lambda size, depth: 17, "should be 388"),
    (weigh, weights(lambda d1, d2: 2 * d1), "d1 twice"),
    (weigh, weights(np.hypot), "square is taken of the sum"),
    (weigh, weights(lambda d1, d2: d1), "d1 alone"),
    (weigh, weights(lambda d1, d2: d2), "d2 alone"),
    (weigh, weights(total, square=1), "not squared"),
    (weigh, weights(total, below=lambda sigma: 2 * sigma), "Sigma is not squared"),
    (weigh, weights(total, below=lambda sigma: sigma**2), "2 in the denominator"),
    (weigh, weights(total, w0=False), "factor w0"),
    (weigh, weights(total, plus=1), "leave w_c out"),
    (weigh, weights(total, everywhere=True), "On objects the weight is 0"),
    (weigh, weights(lambda d1, d2: d1 * d2), "d1 is"),
    (weigh, lambda labels, w0, sigma: 3.0, "one weight a pixel"),
    (move, mover(cut=lambda mask: mask.astype(float)), "other than 0 and 1"),
    (move, mover(image_field=lambda f: -f), "subtract"),
    (move, mover(image_field=lambda f: f[::-1]), "swapped"),
    (move, mover(order=1), "bilinear"),
    (move, mover(order=0), "nearest neighbour"),
    (move, mover(most=9), "overshoots"),
    (move, mover(mask_field=np.zeros_like), "has not moved"),
    (move, mover(mask_field=lambda f: -f), "the mask is not"),
    (move, lambda i, m, f: (np.roll(i, 3, 0), np.roll(m, 3, 0)), "looked up elsewhere"),
    (move, lambda i, m, f: i, "two arrays"),
    (move, lambda i, m, f: (i[..., 0], m), "shape"),
    (mirror, pad("symmetric"), "repeat the border"),
    (mirror, pad("edge"), "last pixel all the way"),
    (mirror, pad("wrap"), "other side"),
    (mirror, pad("constant"), "zeros"),
    (mirror, lambda p, b: np.pad(p, b, mode="reflect"), "colours"),
    (mirror, lambda p, b: p, "grows by 2 pixels"),
    (mirror, lambda p, b: pad("reflect")(p[::-1], b), "unchanged"),
    (mirror, right_along(0), "Above and below all is right"),
    (mirror, right_along(1), "To the left and to the right all is right"),
    (mirror, lambda p, b: pad("reflect")(p, b) * pad("edge")(p, b) / pad("edge")(p, b).max(), "unchanged"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
