"""The checks of notebook 03's exercises: an empty stub waits, a solution passes, typical mistakes get their own message."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from tests import notebooks
from tests.test_unet import NOTEBOOK
from utils import checks, unet


def double_conv(x, filters, padding="same", relu=True, count=2):
    for i in range(count):
        x = layers.Conv2D(filters, 3, padding=padding, kernel_initializer="he_normal")(x)
        if relu or i + 1 < count:
            x = layers.ReLU()(x)
    return x


def down(x, filters, padding="same", activation="relu", strides=2, kernel_size=3):
    return layers.Conv2D(filters, kernel_size, strides=strides, padding=padding, activation=activation)(x)


def right(x, filters):
    skip = double_conv(x, filters)
    return skip, down(skip, filters)


def said(capsys, check, answer):
    keras.utils.set_random_seed(0)
    check(answer)
    return capsys.readouterr().out


# ---- Write the double convolution --------------------------------------------------------------------------------------


def block(*steps):
    """A function of x and filters: each step is (kernel size, padding, activation)."""

    def answer(x, filters):
        for kernel, padding, activation in steps:
            x = layers.Conv2D(filters, kernel, padding=padding, activation=activation)(x)
        return x

    return answer


RELU, PLAIN = (3, "same", "relu"), (3, "same", None)


@pytest.mark.parametrize(
    "answer",
    [double_conv, block(RELU, RELU), lambda x, f: unet.double_conv(x, f, "block"), lambda x, f: block_of_3(x, f)],
)
def test_a_right_double_convolution_passes_with_any_weights(capsys, answer):
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        checks.double_conv(answer)
        assert capsys.readouterr().out == "✓ Right.\n"


def block_of_3(x, filters):
    """Right, with a normalisation, a name and another start."""
    for i in range(2):
        x = layers.Conv2D(filters, (3, 3), padding="same", kernel_initializer="he_uniform", name=f"mine_{i}")(x)
        x = keras.activations.relu(layers.BatchNormalization()(x))
    return x


@pytest.mark.parametrize(
    "answer, words",
    [
        (block((3, "valid", "relu"), (3, "valid", "relu")), "20 x 20 for a 24 x 24 image"),
        (block((3, "valid", "relu"), RELU), "unless it has padding='same'"),
        (block(RELU), "reaches 3 x 3 pixels of the result; it should be 5 x 5. That is one convolution"),
        (block(RELU, RELU, RELU), "reaches 7 x 7 pixels of the result; it should be 5 x 5. That is more than two"),
        (block((1, "same", "relu"), (1, "same", "relu")), "see a single pixel"),
        (block(PLAIN, PLAIN), "after the second convolution. No ReLU is there at all"),
        (block(RELU, PLAIN), "after the second convolution. Something cuts off after the first"),
        (block(PLAIN, RELU), "missing after the first one"),
        (lambda x, f: double_conv(x, 2 * f), "has 32 channels; asked for were filters=16"),
        (lambda x, f: double_conv(double_conv(x, f), 3), "has 3 channels"),
        (lambda x, f: unet.encoder_level(x, f, "level"), "Return the features alone"),
        (lambda x, f: double_conv(x, f)[0, 0, 0], "the shape (16,)"),
        (lambda x, f: np.zeros((4, 24, 24, 16)), "Does x go through both"),
        (lambda x, f: double_conv(x, f, "name"), "Your code stopped with ValueError"),
        (lambda x: x, "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_double_convolution_is_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.double_conv, answer)
    assert text.startswith("✗ ")
    assert words in text


# ---- Go down without pooling -------------------------------------------------------------------------------------------


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
        (lambda x, f: (right(x, f)[0], down(x, f)), "does not come from skip"),
        (mistake(down_options={"kernel_size": 1}), "has a 1x1 kernel"),
        (mistake(down_options={"kernel_size": 2}), "has a 2x2 kernel"),
        (lambda x, f: (s := right(x, f)[0], keras.layers.MaxPooling2D(2)(down(s, f, strides=1))), "has been pooled"),
        (lambda x, f: (s := right(x, f)[0], down(keras.layers.MaxPooling2D(2)(s), f, strides=1)), "has been pooled"),
        (lambda x, f: right(x, f)[0], "Return two things"),
        (lambda x, f: unet.encoder_level(x, f, "level"), "pooled"),
        (lambda x, f: right(x, f, 1), "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_strided_level_is_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.strided_level, answer)
    assert text.startswith("✗ ")
    assert words in text


# ---- Repair the skip ---------------------------------------------------------------------------------------------------


def u_net(take=lambda skips, level: skips[level - 1][0], join=lambda up, skip: [skip, up], up_first=True, extra=0):
    """A builder of U-Nets: ``take`` chooses from (features, pooled features, first convolution) of each level."""

    def answer(input_shape, depth, base):
        x = inputs = keras.Input(input_shape)
        skips = []
        for level in range(1, depth + 1):
            width = base * 2 ** (level - 1)
            first = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
            features = layers.Conv2D(width, 3, padding="same", activation="relu")(first)
            x = layers.MaxPooling2D()(features)
            skips.append((features, x, first))
        x = double_conv(x, base * 2**depth)
        for level in range(depth, 0, -1):
            skip = take(skips, level)
            if up_first:
                x = layers.UpSampling2D()(x)
            parts = join(x, skip)
            x = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
            if not up_first:
                x = layers.UpSampling2D()(x)
            x = double_conv(x, base * 2 ** (level - 1) + extra)
        return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))

    return answer


def library(input_shape, depth, base):
    return unet.build_unet(input_shape, depth=depth, base=base, norm="none")


def test_right_skips_pass_in_either_order(capsys, notebook):
    for answer in (u_net(), u_net(join=lambda up, skip: [up, skip]), library, notebook["build"]):
        assert said(capsys, checks.skips, answer) == "✓ Right.\n"


def test_the_notebooks_broken_network_is_told_that_its_skips_come_after_the_pooling(capsys, notebook):
    text = said(capsys, checks.skips, notebook["broken"])
    assert "meet at 16, 8 pixels" in text and "Take the skip before the pooling" in text


def test_the_notebooks_broken_network_has_the_shape_and_the_count_of_the_right_one(notebook):
    wrong, right = (notebook[name]((32, 32, 3), 2, 4) for name in ("broken", "build"))
    assert wrong.output_shape == right.output_shape
    assert [w.shape for w in wrong.get_weights()] == [w.shape for w in right.get_weights()]


@pytest.fixture(scope="module")
def notebook():
    """The functions that notebook 03 defines in the cells tagged ``build``, and ``broken``."""
    cells = [c for c in notebooks.code_cells(notebooks.read(NOTEBOOK)) if "build" in c.metadata.get("tags", ())]
    broken = [c for c in notebooks.code_cells(notebooks.read(NOTEBOOK)) if c.source.startswith("def broken")]
    defined = {"keras": keras, "layers": layers}
    exec("\n\n".join(cell.source for cell in cells + broken), defined)
    return defined


@pytest.mark.parametrize(
    "answer, words",
    [
        (u_net(lambda skips, level: skips[level - 1][1], up_first=False), "meet at 16, 8 pixels"),
        (
            u_net(lambda s, level: layers.UpSampling2D()(s[level - 1][1])),
            "at 16 pixels both branches have been upsampled",
        ),
        (u_net(join=lambda up, skip: [up, up]), "both branches have been upsampled"),
        (u_net(join=lambda up, skip: [up]), "concatenates 0 times; 2 levels need 2 skips"),
        (
            u_net(join=lambda up, skip: [skip, skip if skip.shape[1] == 16 else up]),
            "both branches come from the way down",
        ),
        (u_net(lambda skips, level: skips[level - 1][2]), "has passed 3 convolutions; it should pass all 4"),
        (u_net(extra=1), "The skips are right, but the model has"),
        (lambda shape, depth, base: u_net()(shape, depth - 1, base), "concatenates 1 times"),
        (lambda shape, depth, base: unet.encoder_level(keras.Input(shape), base, "a"), "Return a keras.Model"),
        (lambda shape, depth, base: unet.build_unet(shape, depth=depth, classes=2), "the output is (32, 32, 2)"),
        (u_net(lambda skips, level: skips[level - 1][1]), "Your code stopped with ValueError"),
    ],
)
def test_wrong_skips_are_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.skips, answer)
    assert text.startswith("✗ ")
    assert words in text


def test_empty_skips_wait(capsys):
    assert said(capsys, checks.skips, lambda shape, depth, base: None) == "… Waiting for your answer.\n"


# ---- Choose the head ---------------------------------------------------------------------------------------------------

HEADS = {
    "leaf": (1, "sigmoid", "binary_crossentropy"),
    "street": (4, "softmax", "sparse_categorical_crossentropy"),
    "chest": (3, "sigmoid", "binary_crossentropy"),
}


@pytest.mark.parametrize(
    "leaf", [HEADS["leaf"], (2, "softmax", "sparse_categorical_crossentropy"), list(HEADS["leaf"])]
)
def test_the_right_heads_pass(capsys, leaf):
    assert said(capsys, checks.heads, HEADS | {"leaf": leaf}) == "✓ Right.\n"


@pytest.mark.parametrize("answer", [dict.fromkeys(HEADS), HEADS | {"chest": None}, {}, None])
def test_heads_that_are_not_all_filled_in_wait(capsys, answer):
    assert said(capsys, checks.heads, answer) == "… Waiting for your answer.\n"


BINARY, SPARSE, ONE_HOT = "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize(
    "task, head, words",
    [
        ("leaf", (1, "softmax", BINARY), "a softmax over a single channel is 1"),
        ("leaf", (2, "sigmoid", BINARY), "one sigmoid says leaf or not"),
        ("leaf", (1, ("relu", "sigmoid"), BINARY), "never gives less than .5"),
        ("leaf", (1, "relu", BINARY), "a ReLU cuts negative logits off"),
        ("leaf", (2, "softmax", ONE_HOT), "wants one-hot labels"),
        ("leaf", (1, "sigmoid", SPARSE), "does not go with a sigmoid"),
        ("leaf", (1, "tanh", BINARY), "the activation is 'tanh'"),
        ("leaf", (3, "sigmoid", BINARY), "3 channels do not fit"),
        ("leaf", "sigmoid", "give three things"),
        ("leaf", (1, "sigmoid"), "give three things"),
        ("street", (4, "sigmoid", BINARY), "Sigmoids do not know of each other"),
        ("street", (3, "softmax", SPARSE), "neither road nor pavement nor car"),
        ("street", (5, "softmax", SPARSE), "5 channels do not fit"),
        ("street", (4, "softmax", ONE_HOT), "These labels are class numbers"),
        ("street", (4, "softmax", BINARY), "does not go with a softmax"),
        ("chest", (3, "softmax", SPARSE), "Where heart and lung overlap"),
        ("chest", (4, "sigmoid", BINARY), "needs no channel here"),
        ("chest", (3, "sigmoid", ONE_HOT), "a yes or no of its own"),
        ("chest", 3, "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_head_is_told_what_is_wrong(capsys, task, head, words):
    text = said(capsys, checks.heads, HEADS | {task: head})
    assert text.startswith("✗ ")
    assert words in text and ("stopped" in text or f"✗ {task}: " in text)


@pytest.mark.parametrize("task, labels", [("leaf", (2, 8, 8, 1)), ("street", (2, 8, 8)), ("chest", (2, 8, 8, 3))])
def test_the_right_heads_learn_from_the_labels_that_the_notebook_names(task, labels):
    channels, activation, loss = HEADS[task]
    model = unet.build_unet((8, 8, 3), depth=1, base=2, classes=channels, activation=activation)
    model.compile(loss=loss)
    numbers = np.random.default_rng(0).integers(0, 4 if task == "street" else 2, labels)
    history = model.fit(np.zeros((2, 8, 8, 3)), numbers, verbose=0).history
    assert 0 < history["loss"][0] < 10


# ---- Crop the mask -----------------------------------------------------------------------------------------------------


def window(masks, start, size):
    return masks[:, start : start + size, start : start + size]


def centre(masks, size):
    return (masks.shape[1] - size) // 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda m, s: window(m, centre(m, s), s),
        lambda m, s: m[:, centre(m, s) : -centre(m, s), centre(m, s) : -centre(m, s)],
        lambda m, s: layers.CenterCrop(s, s)(m),
        lambda m, s: layers.Cropping2D(centre(m, s))(m),
    ],
)
def test_a_right_crop_passes(capsys, answer):
    assert said(capsys, checks.crop_mask, answer) == "✓ Right.\n"


def test_an_empty_crop_waits(capsys):
    assert said(capsys, checks.crop_mask, lambda masks, size: None) == "… Waiting for your answer.\n"


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda m, s: window(m, 0, s), "in the upper left corner"),
        (lambda m, s: m[:, -s:, -s:], "in the lower right corner"),
        (lambda m, s: window(m, centre(m, s) + 1, s), "off by one: you begin at row 6, column 6"),
        (lambda m, s: window(m, centre(m, s) - 1, s), "off by one: you begin at row 4"),
        (lambda m, s: window(m, centre(m, s) + 2, s), "you begin at row 7, column 7; 5 pixels go on each side"),
        (lambda m, s: layers.Resizing(s, s, interpolation="nearest")(m), "looks resized"),
        (lambda m, s: layers.Resizing(s, s)(m), "looks resized"),
        (lambda m, s: m[:, ::2, ::2][:, :s, :s], "looks resized"),
        (lambda m, s: m, "the result is 16 x 16; it should be 6 x 6. Nothing was cut off"),
        (lambda m, s: m[:, centre(m, s) :, centre(m, s) :], "one end only"),
        (lambda m, s: m[:, centre(m, s) : s, centre(m, s) : s], "start + size, not at size"),
        (lambda m, s: window(m, centre(m, s), s + 1), "one row too many"),
        (lambda m, s: window(m, centre(m, s), s - 1), "one row too few"),
        (lambda m, s: m[:, centre(m, s) : centre(m, s) + s], "only the rows are cropped"),
        (lambda m, s: m[:, :, centre(m, s) : centre(m, s) + s], "only the columns are cropped"),
        (lambda m, s: m[centre(m, s) : -centre(m, s), centre(m, s) : -centre(m, s)], "The first axis counts the masks"),
        (lambda m, s: window(m, centre(m, s), s)[..., 0], "keep all four axes"),
        (lambda m, s: m.shape(s), "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_crop_is_told_what_is_wrong(capsys, answer, words):
    text = said(capsys, checks.crop_mask, answer)
    assert text.startswith("✗ For masks (2, 16, 16, 1) and size=6: ") or "stopped" in text
    assert words in text


def test_a_crop_with_a_fixed_border_is_caught_at_another_size(capsys):
    assert "size=8" in said(capsys, checks.crop_mask, lambda masks, size: masks[:, 5:-5, 5:-5])


# ---- Count before you build --------------------------------------------------------------------------------------------


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


# ---- In the notebook ---------------------------------------------------------------------------------------------------


def test_every_exercise_of_the_notebook_has_a_check_that_is_tested_here():
    text = "\n".join(cell.source for cell in notebooks.code_cells(notebooks.read(NOTEBOOK)))
    used = re.findall(r"checks\.(\w+)\(", text)
    tested = Path(__file__).read_text(encoding="utf-8")
    assert len(used) == 12 and len(set(used)) == 6
    assert all(f"checks.{name}" in tested for name in used)
