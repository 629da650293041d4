"""The checks of notebook 11: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest
from keras import layers

from utils import checks, variants

residual, count, patches = checks.residual_block, checks.separable_parameters, checks.space_to_depth


def block(*, join=layers.Add, fit=True, early=False, late=True, times=2, same="same", norm=False, bias=True):
    """A residual block, or one with a mistake."""

    def answer(x, filters):
        start = layers.Conv2D(filters, 1)(x) if fit else x
        for i in range(times):
            x = layers.Conv2D(filters, 3, padding=same, use_bias=bias)(x)
            x = layers.BatchNormalization()(x) if norm else x
            x = layers.ReLU()(x) if early or i == 0 else x
        x = join()([start, x]) if join else x
        return layers.ReLU()(x) if late else x

    return answer


def depth(images, *axes):
    n, height, width, channels = images.shape
    parts = images.reshape(n, height // 2, 2, width // 2, 2, channels)
    return parts.transpose(axes).reshape(n, height // 2, width // 2, 4 * channels) if axes else parts


CASES = [
    *((check, lambda *args: None, "Waiting") for check in (residual, count, patches)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (residual, count, patches)),
    (residual, block(), "Right."),
    (residual, block(norm=True, bias=False), "Right."),
    (residual, lambda x, filters: variants.residual_block(x, filters, "mine"), "Right."),
    (residual, lambda x, filters: 3, "Return what the last layer"),
    (residual, block(join=layers.Concatenate), "you concatenate"),
    (residual, block(same="valid", join=None), "padding='same'"),
    (residual, block(times=1), "There are 1 3x3"),
    (residual, block(join=None), "nothing of x is left"),
    (residual, block(late=False), "after the sum"),
    (residual, block(early=True), "before the sum"),
    (residual, block(early=True, norm=True, bias=False), "before the sum"),
    (count, lambda i, f: 9 * i + i * f, "Right."),
    (count, lambda i, f: 9 * i * f, "usual 3x3"),
    (count, lambda i, f: 9 * i, "across the channels is missing"),
    (count, lambda i, f: i * f, "one a channel, are missing"),
    (count, lambda i, f: 9 * f + i * f, "comes first"),
    (count, lambda i, f: 9 + i * f, "of its own"),
    (count, lambda i, f: 9 * i + i * f + f, "no biases"),
    (count, lambda i, f: 9 * i + i + i * f + f, "no biases"),
    (count, lambda i, f: [9, i], "one number"),
    (patches, lambda x: depth(x, 0, 1, 3, 2, 4, 5), "Right."),
    (patches, lambda x: x.reshape(2, 2, 3, 12), "order of memory"),
    (patches, lambda x: depth(x, 0, 1, 3, 4, 2, 5), "Column comes before row"),
    (patches, lambda x: depth(x, 0, 1, 3, 5, 2, 4), "colours are to come last"),
    (patches, lambda x: x[:, ::2, ::2], "one pixel of four"),
    (patches, lambda x: x[:, 1::2, ::2], "no number may be lost"),
    (patches, depth, "first reshape"),
    (patches, lambda x: x.reshape(5), "NumPy says"),
    (patches, lambda x: np.zeros((2, 2, 3, 12)), "values are wrong"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
