"""The checks of notebook 03's exercises: an empty stub waits, a solution passes, typical mistakes get their own message."""

import keras
import pytest
from keras import layers

from tests.test_unet import NOTEBOOK
from utils import checks, unet


def double_conv(x, filters, padding="same", relu=True, count=2):
    for i in range(count):
        x = layers.Conv2D(filters, 3, padding=padding, kernel_initializer="he_normal")(x)
        if relu or i + 1 < count:
            x = layers.ReLU()(x)
    return x


def down(x, filters, padding="same", activation="relu", strides=2):
    return layers.Conv2D(filters, 3, strides=strides, padding=padding, activation=activation)(x)


def right(x, filters):
    skip = double_conv(x, filters)
    return skip, down(skip, filters)


def said(capsys, check, answer):
    keras.utils.set_random_seed(0)
    check(answer)
    return capsys.readouterr().out


def mistake(skip_options=(), down_options=(), filters=None):
    def level(x, asked):
        skip = double_conv(x, filters or asked, **dict(skip_options))
        return skip, down(skip, filters or asked, **dict(down_options))

    return level


def test_a_right_strided_level_passes_with_any_weights(capsys):
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        checks.strided_level(right)
        assert capsys.readouterr().out == "✓ Right.\n"


def test_a_right_strided_level_from_the_librarys_block_passes(capsys):
    def level(x, filters):
        skip = unet.double_conv(x, filters, "level")
        return [skip, down(skip, filters)]

    assert said(capsys, checks.strided_level, level) == "✓ Right.\n"


@pytest.mark.parametrize("stub", [lambda x, filters: None, lambda x, filters: (None, None), None])
def test_an_empty_strided_level_waits(capsys, stub):
    assert said(capsys, checks.strided_level, stub) == "… Waiting for your answer.\n"


@pytest.mark.parametrize(
    "answer, words",
    [
        (mistake({"padding": "valid"}), "skip is 20 x 20"),
        (mistake({"padding": "valid"}), "padding='same'"),
        (mistake(down_options={"padding": "valid"}), "strided convolution needs padding='same'"),
        (mistake(down_options={"strides": 1}), "strides=2"),
        (mistake({"relu": False}), "skip has negative values: a ReLU is missing"),
        (mistake(down_options={"activation": None}), "down has negative values: a ReLU is missing"),
        (mistake(filters=8), "skip has 8 channels; asked for were filters=16"),
        (mistake({"count": 1}), "that is one convolution"),
        (lambda x, f: right(x, f)[::-1], "The order is (skip, down)"),
        (lambda x, f: right(x, f)[0], "Return two things"),
        (lambda x, f: unet.encoder_level(x, f, "level"), "pooled"),
        (lambda x, f: right(x, f, 1), "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_strided_level_is_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.strided_level, answer)
    assert text.startswith("✗ ")
    assert words in text


def test_a_right_count_is_keras_count(capsys):
    def count(inputs, filters):
        image = keras.Input((8, 8, inputs))
        return keras.Model(image, unet.double_conv(image, filters, "block")).count_params()

    assert said(capsys, checks.double_conv_parameters, count) == "✓ Right.\n"


def test_an_empty_count_waits(capsys):
    assert said(capsys, checks.double_conv_parameters, lambda inputs, filters: None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda i, f: 9 * i * f + 9 * f * f, "biases are missing"),
        (lambda i, f: 2 * (9 * i * f + f), "second convolution does not see the input"),
        (lambda i, f: 9 * i * f + f, "first convolution alone"),
        (lambda i, f: 3 * i * f + f + 3 * f * f + f, "9 weights"),
        (lambda i, f: 9 * i * f + 1 + 9 * f * f + 1, "not a single one"),
        (lambda i, f: 7, "channels in * channels out"),
        (lambda i, f: "many", "Your code stopped with ValueError"),
    ],
)
def test_a_wrong_count_is_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.double_conv_parameters, answer)
    assert text.startswith("✗ ")
    assert words in text


def test_the_notebook_waits_at_both_stubs_and_passes_both_solutions():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert text.count("… Waiting for your answer.") == 2
    assert text.count("✓ Right.") == 2
