"""The checks of notebook 03: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from utils import checks, unet


def said(capsys, check, answer):
    keras.utils.set_random_seed(0)
    check(answer)
    return capsys.readouterr().out


def conv(x, filters, size=3, padding="same", activation="relu", strides=1):
    return layers.Conv2D(filters, size, strides, padding, activation=activation)(x)


def block(*steps):
    """A function of x and filters; each step holds the options of one convolution."""

    def answer(x, filters):
        for options in steps:
            x = conv(x, filters, **options)
        return x

    return answer


double = block({}, {})


def normalised(x, filters):
    """Right, with a normalisation, a name and another start."""
    for i in range(2):
        x = layers.Conv2D(filters, (3, 3), padding="same", kernel_initializer="he_uniform", name=f"mine_{i}")(x)
        x = keras.activations.relu(layers.BatchNormalization()(x))
    return x


def level(first=double, times=1, pool=None, **options):
    """An encoder level with a strided convolution; ``pool`` is a layer between skip and down."""

    def answer(x, filters):
        skip = first(x, filters * times)
        between = layers.MaxPooling2D()(skip) if pool == "before" else skip
        down = conv(between, filters * times, **{"strides": 1 if pool else 2} | options)
        return skip, layers.MaxPooling2D()(down) if pool == "after" else down

    return answer


def normed(x, filters, bias=False, order="nr"):
    """A convolution, then normalisation and ReLU in an order: "nr", "rn", "n" or "r"."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=bias)(x)
    for letter in order:
        x = layers.ReLU()(x) if letter == "r" else layers.BatchNormalization()(x)
    return x


def u_net(
    take=lambda features, pooled, first: features, join=lambda up, skip: [skip, up], up_first=True, extra=0,
    up=layers.UpSampling2D, head="sigmoid", **options,
):  # fmt: skip
    """A builder of U-Nets; ``take`` chooses what a skip carries, ``join`` what is concatenated."""

    def answer(input_shape, depth, base):
        x = inputs = keras.Input(input_shape)
        skips = []
        for number in range(1, depth + 1):
            first = normed(x, base * 2 ** (number - 1), **options)
            features = normed(first, base * 2 ** (number - 1), **options)
            x = layers.MaxPooling2D()(features)
            skips.append(take(features, x, first))
        x = normed(normed(x, base * 2**depth, **options), base * 2**depth, **options)
        for number in range(depth, 0, -1):
            filters = base * 2 ** (number - 1) + extra
            x = up()(x) if up_first else x
            parts = join(x, skips[number - 1])
            x = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
            x = x if up_first else up()(x)
            x = normed(normed(x, filters, **options), filters, **options)
        return keras.Model(inputs, conv(x, 1, 1, activation=head))

    return answer


def middle(masks, size, start=0, more=0):
    start += (masks.shape[1] - size) // 2
    return masks[:, start : start + size + more, start : start + size + more]


def window(start, stop):
    """A crop from one place to another, which depend on the border and the size."""

    def answer(masks, size):
        border = (masks.shape[1] - size) // 2
        part = slice(start(border, size), stop(border, size))
        return masks[:, part, part]

    return answer


BINARY, SPARSE, ONE_HOT = "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"
HEADS = {"leaf": (1, "sigmoid", BINARY), "street": (4, "softmax", SPARSE), "chest": (3, "sigmoid", BINARY)}
first, strided, whole, heads, crop, count = (
    checks.double_conv, checks.strided_level, checks.whole_unet, checks.heads, checks.crop_mask,
    checks.double_conv_parameters,
)  # fmt: skip

CASES = [
    (strided, lambda x, filters: (None, None), "Waiting"),
    *((heads, answer, "Waiting") for answer in ({}, HEADS | {"chest": None}, None)),
    *((check, lambda *args: None, "Waiting") for check in (first, strided, whole, crop, count)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (first, strided, whole, crop, count)),
    (first, double, "Right."),
    (first, normalised, "Right."),
    (first, lambda x, f: unet.double_conv(x, f, "block"), "Right."),
    (strided, level(), "Right."),
    (strided, lambda x, f: list(level(first=lambda x, f: unet.double_conv(x, f, "block"))(x, f)), "Right."),
    (whole, u_net(), "Right."),
    (whole, u_net(join=lambda up, skip: [up, skip]), "Right."),
    (whole, lambda shape, depth, base: unet.build_unet(shape, depth=depth, base=base), "Right."),
    (heads, HEADS, "Right."),
    (heads, HEADS | {"leaf": [2, "softmax", SPARSE]}, "Right."),
    (crop, middle, "Right."),
    (crop, lambda m, s: layers.CenterCrop(s, s)(m), "Right."),
    (count, lambda i, f: 9 * f * (i + f) + 2 * f, "Right."),
    (first, block({"padding": "valid"}, {"padding": "valid"}), "20 x 20 for a 24 x 24 image"),
    (first, block({"padding": "valid"}, {}), "unless it has padding='same'"),
    (first, block({}), "reaches 3 x 3 pixels of the result; it should be 5 x 5. That is one convolution"),
    (first, block({}, {}, {}), "reaches 7 x 7 pixels of the result; it should be 5 x 5. That is more than two"),
    (first, block({"size": 1}, {"size": 1}), "see a single pixel"),
    (first, block({"activation": None}, {"activation": None}), "no ReLU is there at all"),
    (first, block({}, {"activation": None}), "missing after the second"),
    (first, block({"activation": None}, {}), "missing after the first"),
    (first, lambda x, f: double(x, 2 * f), "has 32 channels; with filters=16 it should have 16"),
    (first, lambda x, f: unet.encoder_level(x, f, "level"), "Return the features alone"),
    (first, lambda x, f: double(x, f)[0, 0, 0], "the shape (16,)"),
    (first, lambda x, f: np.zeros((4, 24, 24, 16)), "Does x go through both"),
    (first, lambda x: x, "Your code stopped with TypeError"),
    (strided, level(block({"padding": "valid"}, {"padding": "valid"})), "skip is 20 x 20"),
    (strided, level(padding="valid"), "strided convolution needs padding='same'"),
    (strided, level(strides=1), "strides=2"),
    (strided, level(block({}, {"activation": None})), "skip has negative values: a ReLU is missing"),
    (strided, level(activation=None), "down has negative values: a ReLU is missing"),
    (strided, level(times=2), "skip has 32 channels; with filters=16 it should have 16"),
    (strided, level(block({})), "that is one convolution"),
    (strided, lambda x, f: level()(x, f)[::-1], "The order is (skip, down)"),
    (strided, lambda x, f: (double(x, f), conv(x, f, strides=2)), "does not come from skip"),
    (strided, level(size=1), "has a 1x1 kernel"),
    (strided, level(size=2), "has a 2x2 kernel"),
    (strided, level(pool="after"), "has been pooled"),
    (strided, level(pool="before"), "has been pooled"),
    (strided, lambda x, f: unet.encoder_level(x, f, "level"), "is a pooled skip"),
    (strided, lambda x, f: level()(x, f)[0], "Return two things"),
    (whole, u_net(lambda features, pooled, first: pooled, up_first=False), "meet at 16, 8 pixels"),
    (whole, u_net(lambda features, pooled, first: layers.UpSampling2D()(pooled)), "have been upsampled"),
    (whole, u_net(join=lambda up, skip: [up]), "concatenates 0 times; 2 levels need 2 skips"),
    (whole, u_net(join=lambda up, skip: [skip, skip if skip.shape[1] == 16 else up]), "come from the way down"),
    (whole, u_net(lambda features, pooled, first: first), "has passed 3 convolutions; it should pass all 4"),
    (whole, u_net(extra=1), "parameters are not the library's"),
    (whole, u_net(bias=True, order="r"), "no normalisation is there"),
    (whole, u_net(bias=True), "Leave out the biases"),
    *(
        (whole, u_net(**options), "the output is not the library's")
        for options in (
            {"order": "n"},
            {"order": "rn"},
            {"head": "linear"},
            {"up": partial(layers.UpSampling2D, interpolation="bilinear")},
        )
    ),
    (whole, lambda shape, depth, base: conv(keras.Input(shape), base), "Return a keras.Model"),
    (whole, lambda shape, depth, base: unet.build_unet(shape, depth=depth, classes=2), "the output is (32, 32, 2)"),
    (whole, u_net(lambda features, pooled, first: pooled), "Your code stopped with ValueError"),
    (crop, window(lambda b, s: 0, lambda b, s: s), "in the upper left corner"),
    (crop, lambda m, s: m[:, -s:, -s:], "in the lower right corner"),
    (crop, lambda m, s: middle(m, s, 1), "Off by one: you begin at row 6, column 6"),
    (crop, lambda m, s: middle(m, s, 2), "You begin at row 7, column 7; 5 pixels go on each side"),
    (crop, lambda m, s: layers.Resizing(s, s, interpolation="nearest")(m), "looks resized"),
    (crop, lambda m, s: m, "The result is 16 x 16, not 6 x 6. Nothing was cut off"),
    (crop, window(lambda b, s: b, lambda b, s: None), "one end only"),
    (crop, window(lambda b, s: b, lambda b, s: s), "start + size, not at size"),
    (crop, lambda m, s: middle(m, s, more=1), "one row too many"),
    (crop, lambda m, s: middle(m, s, more=-1), "one row too few"),
    (crop, lambda m, s: m[:, 5 : 5 + s], "Only the rows are cropped"),
    (crop, lambda m, s: m[:, :, 5 : 5 + s], "Only the columns are cropped"),
    (crop, lambda m, s: m[5:-5, 5:-5], "The first axis counts the masks"),
    (crop, lambda m, s: middle(m, s)[..., 0], "Keep all four axes"),
    (crop, lambda m, s: m[:, 5:-5, 5:-5], "size=8"),
    (count, lambda i, f: 9 * i * f + 9 * f * f, "biases are missing"),
    (count, lambda i, f: 2 * (9 * i * f + f), "not the input"),
    (count, lambda i, f: 9 * i * f + f, "first convolution alone"),
    (count, lambda i, f: 3 * i * f + f + 3 * f * f + f, "9 weights"),
    (count, lambda i, f: 9 * i * f + 1 + 9 * f * f + 1, "not a single one"),
    (count, lambda i, f: 7, "but Keras counts 808. Weights: 3 * 3 * channels in * channels out"),
    (count, lambda i, f: "many", "Return one number. Yours is of type str."),
    (heads, HEADS | {"chest": 3}, "Your code stopped with TypeError"),
]
WRONG_HEADS = [
    ("leaf", (1, "softmax", BINARY), "a softmax over a single channel is 1"),
    ("leaf", (2, "sigmoid", BINARY), "one sigmoid says leaf or not"),
    ("leaf", (1, ("relu", "sigmoid"), BINARY), "never gives less than .5"),
    ("leaf", (1, "relu", BINARY), "a ReLU sets negative logits to zero"),
    ("leaf", (2, "softmax", ONE_HOT), "wants one-hot labels"),
    ("leaf", (1, "sigmoid", SPARSE), "does not go with a sigmoid"),
    ("leaf", (1, "tanh", BINARY), "the activation is 'tanh'"),
    ("leaf", (3, "sigmoid", BINARY), "3 channels do not fit"),
    ("leaf", "sigmoid", "give three things"),
    ("leaf", (1, "sigmoid"), "give three things"),
    ("street", (4, "sigmoid", BINARY), "two sigmoids can say yes at once"),
    ("street", (3, "softmax", SPARSE), "neither road nor pavement nor car"),
    ("street", (5, "softmax", SPARSE), "5 channels do not fit"),
    ("street", (4, "softmax", BINARY), "does not go with a softmax"),
    ("chest", (3, "softmax", SPARSE), "Where heart and lung overlap"),
    ("chest", (4, "sigmoid", BINARY), "needs no channel here"),
]


@pytest.mark.parametrize(("check", "answer"), [(first, double), (strided, level())])
def test_a_right_answer_passes_with_any_weights(capsys, check, answer):
    for seed in range(1, 5):
        keras.utils.set_random_seed(seed)
        check(answer)
    assert capsys.readouterr().out == "✓ Right.\n" * 4


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    out = said(capsys, check, answer)
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


@pytest.mark.parametrize(("task", "head", "words"), WRONG_HEADS)
def test_a_wrong_head_gets_its_own_hint(capsys, task, head, words):
    out = said(capsys, heads, HEADS | {task: head})
    assert out.startswith(f"✗ {task}: ") and words in out


@pytest.mark.parametrize(
    ("task", "shape", "labels"), [("leaf", (6, 1), [6, 1]), ("street", (6, 4), [6]), ("chest", (6, 3), [6, 3])]
)
def test_the_right_heads_have_a_loss_that_takes_the_labels_of_the_notebook(task, shape, labels):
    loss = keras.losses.get(HEADS[task][2])
    truth, probability = np.ones(labels, np.int32), np.full(shape, 0.25, np.float32)
    assert np.asarray(loss(truth, probability)) == pytest.approx(np.full(6, np.log(4)), rel=1e-5)
