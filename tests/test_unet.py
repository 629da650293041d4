"""The network: every option builds what it says, and what notebook 03 builds is what the library holds."""

import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from utils import unet

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "03_building.ipynb"
CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose)


@pytest.fixture(scope="module")
def notebook():
    """Everything that the notebook's cells tagged `build` define."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if "build" in c["metadata"].get("tags", [])]
    assert len(sources) == 5, "double_conv, encoder_level, decoder_level, build, the article's network"
    defined = {"keras": keras, "layers": layers}
    exec("\n\n".join(sources), defined)
    return defined


def kinds_and_shapes(model, without=()):
    return [(type(x), x.output.shape, x.count_params()) for x in model.layers if not isinstance(x, without)]


def picture(shape, count=1):
    return np.random.default_rng(0).random((count, *shape), dtype=np.float32)


def run(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def by_hand(inputs, depth, base, classes, upsampling):
    """Parameters without normalisation, counted level by level."""

    def conv(kernel, incoming, outgoing):
        return kernel**2 * incoming * outgoing + outgoing

    total, channels = 0, inputs
    for level in range(depth + 1):
        width = base * 2**level
        total += conv(3, channels, width) + conv(3, width, width)
        channels = width
    for level in reversed(range(depth)):
        width = base * 2**level
        if upsampling == "transposed":
            total += conv(2, channels, width)
        elif upsampling.endswith("+conv"):
            total += conv(3, channels, width)
        below = channels if upsampling in ("nearest", "bilinear") else width
        total += conv(3, width + below, width) + conv(3, width, width)
        channels = width
    return total + conv(1, channels, classes)


def documented_names(depth, upsampling, norm, padding, dropout):
    """The layer names that the module's docstring and the notebooks promise."""

    def block(name):
        for i in (1, 2):
            yield f"{name}_conv{i}"
            if norm != "none":
                yield f"{name}_norm{i}"
            yield f"{name}_relu{i}"

    yield "image"
    for level in range(1, depth + 1):
        yield from block(f"enc{level}")
        yield f"enc{level}_pool"
    yield from block("bottleneck")
    if dropout:
        yield "bottleneck_dropout"
    for level in range(depth, 0, -1):
        yield f"dec{level}_up"
        if upsampling.endswith("+conv"):
            yield f"dec{level}_upconv"
        if padding == "valid":
            yield f"dec{level}_crop"
        yield f"dec{level}_skip"
        yield from block(f"dec{level}")
    yield "head"


# ---- What the notebook builds is what the library holds ----------------------------------------------------------------


@pytest.mark.parametrize("depth, base", [(1, 4), (2, 3), (3, 8)])
def test_the_notebooks_network_is_the_librarys(notebook, depth, base):
    theirs = notebook["build"]((32, 40, 3), depth, base)
    ours = unet.build_unet((32, 40, 3), depth=depth, base=base, upsampling="nearest", norm="none")
    assert [x.name for x in theirs.layers] == [x.name for x in ours.layers]
    assert kinds_and_shapes(theirs) == kinds_and_shapes(ours)
    assert theirs.count_params() == ours.count_params()
    images = picture((32, 40, 3), 2)
    assert (
        np.abs(run(ours, images) - run(theirs, images)).max() > 1e-4
    )  # different weights, so the next line means something
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(run(ours, images), run(theirs, images), atol=1e-6)


@pytest.mark.parametrize("block", ["double_conv", "encoder_level", "decoder_level"])
def test_each_block_of_the_notebook_is_the_librarys(notebook, block):
    def model(function):
        x = inputs = keras.Input((16, 16, 6))
        if block == "decoder_level":
            outputs = function(layers.MaxPooling2D(2)(x), x, 5, "dec1")
        else:
            outputs = function(x, 5, "enc1")
        return keras.Model(inputs, outputs)

    def library(*args):
        extra = {"upsampling": "nearest"} if block == "decoder_level" else {}
        return getattr(unet, block)(*args, **extra)

    theirs, ours = model(notebook[block]), model(library)
    assert kinds_and_shapes(theirs) == kinds_and_shapes(ours)
    ours.set_weights(theirs.get_weights())
    images = picture((16, 16, 6))
    for one, two in zip(keras.tree.flatten(theirs(images)), keras.tree.flatten(ours(images)), strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(two), atol=1e-6)


def test_the_articles_layers_are_the_librarys_article_network(notebook):
    theirs, ours = notebook["article"], unet.article_unet()
    assert kinds_and_shapes(theirs) == kinds_and_shapes(ours, without=layers.ReLU)
    assert theirs.count_params() == 407_809
    small = unet.article_unet((32, 32, 3))  # any size: the weights fit, and the test stays fast
    ours.set_weights(theirs.get_weights())
    small.set_weights(theirs.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))
    images = picture((256, 256, 3))
    np.testing.assert_allclose(run(ours, images), run(theirs, images), atol=1e-6)
    # Far from the border a crop gives the same answer as the whole: the receptive field is 18 pixels.
    np.testing.assert_allclose(run(small, images[:, :32, :32])[:, :16, :16], run(ours, images)[:, :16, :16], atol=1e-6)


# ---- The article's and the paper's networks ----------------------------------------------------------------------------


def test_the_articles_network_has_407809_parameters_and_is_compiled_as_in_the_article():
    model = unet.article_unet()
    assert model.input_shape == (None, 256, 256, 3)
    assert model.output_shape == (None, 256, 256, 1)
    assert model.count_params() == 407_809
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.loss == "binary_crossentropy"
    assert model.get_compile_config()["metrics"] == ["accuracy"]
    assert model.get_layer("head").activation is keras.activations.sigmoid


def test_the_articles_network_can_be_trained():
    keras.utils.set_random_seed(0)
    model = unet.article_unet((16, 16, 3), base=4)
    images = picture((16, 16, 3), 8)
    history = model.fit(images, images[..., :1] > 0.5, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert set(history) == {"loss", "accuracy"}


def test_the_papers_network_goes_from_572_to_388_with_31030658_parameters_and_23_convolutions():
    model = unet.paper_unet()
    assert model.input_shape == (None, 572, 572, 1)
    assert model.output_shape == (None, 388, 388, 2)
    assert model.count_params() == 31_030_658
    assert sum(isinstance(x, CONVOLUTIONS) for x in model.layers) == 23
    assert model.get_layer("bottleneck_conv1").input.shape == (None, 32, 32, 512)
    assert model.get_layer("bottleneck_conv2").output.shape == (None, 28, 28, 1024)
    assert model.get_layer("bottleneck_dropout").rate == 0.5
    assert model.get_layer("head").activation is keras.activations.softmax


# ---- Every combination of options --------------------------------------------------------------------------------------

COMBINATIONS = list(itertools.product(unet.UPSAMPLINGS, unet.NORMS, unet.PADDINGS, (0.0, 0.2)))


@pytest.mark.parametrize("upsampling, norm, padding, dropout", COMBINATIONS)
def test_every_combination_has_the_documented_layers_shapes_and_values(upsampling, norm, padding, dropout):
    depth, classes = 2, 3
    sizes = {"same": (8, 12), "valid": [given for given, _ in unet.valid_sizes(depth, count=2)]}[padding]
    wanted = dict(unet.valid_sizes(depth, count=2)) if padding == "valid" else {8: 8, 12: 12}
    options = {"upsampling": upsampling, "norm": norm, "padding": padding, "dropout": dropout}
    model = unet.build_unet((*sizes, 2), depth=depth, base=4, classes=classes, **options)
    names = [x.name for x in model.layers]
    assert len(set(names)) == len(names)
    assert set(names) == set(documented_names(depth, upsampling, norm, padding, dropout))
    assert model.output_shape == (None, wanted[sizes[0]], wanted[sizes[1]], classes)
    if norm == "none":
        assert model.count_params() == by_hand(2, depth, 4, classes, upsampling)
    else:
        normalised = sum(x.count_params() for x in model.layers if "_norm" in x.name)
        biases = sum(x.filters for x in model.layers if "_conv" in x.name)
        assert model.count_params() == by_hand(2, depth, 4, classes, upsampling) + normalised - biases
    output = run(model, picture((*sizes, 2)))
    assert output.dtype == np.float32
    assert output.shape == (1, *model.output_shape[1:])
    assert 0 <= output.min() and output.max() <= 1
    np.testing.assert_allclose(output.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 3, 5])
@pytest.mark.parametrize("base", [2, 5])
def test_depth_and_width_set_the_levels_and_their_channels(depth, base):
    model = unet.build_unet((64, 96, 1), depth=depth, base=base)
    for level in range(1, depth + 1):
        shape = (None, 64 // 2 ** (level - 1), 96 // 2 ** (level - 1), base * 2 ** (level - 1))
        assert model.get_layer(f"enc{level}_relu2").output.shape == shape
        assert model.get_layer(f"dec{level}_relu2").output.shape == shape
    assert model.get_layer("bottleneck_relu2").output.shape == (None, 64 // 2**depth, 96 // 2**depth, base * 2**depth)


@pytest.mark.parametrize("activation, classes", [("logits", 1), ("logits", 4), ("sigmoid", 3), (None, 1), (None, 4)])
def test_the_head_has_the_activation_asked_for(activation, classes):
    model = unet.build_unet((16, 16, 3), depth=1, base=4, classes=classes, activation=activation)
    expected = {"logits": "linear", "sigmoid": "sigmoid", None: "sigmoid" if classes == 1 else "softmax"}[activation]
    assert model.get_layer("head").activation.__name__ == expected
    output = run(model, 20 * picture((16, 16, 3)) - 10)
    assert output.shape == (1, 16, 16, classes)
    assert (output.min() < 0) == (activation == "logits")


def test_the_skip_comes_first_and_is_the_encoders_output():
    model = unet.build_unet((16, 16, 3), depth=2, base=4)
    for level in (1, 2):
        first, second = model.get_layer(f"dec{level}_skip").input
        assert first is model.get_layer(f"enc{level}_relu2").output
        assert second is model.get_layer(f"dec{level}_up").output


def test_the_crop_takes_the_middle_of_the_skip():
    model = unet.build_unet((44, 44, 1), depth=2, base=2, padding="valid")
    for level in (1, 2):
        layer = model.get_layer(f"dec{level}_crop")
        features = picture(layer.input.shape[1:])
        cropped = np.asarray(layer(features))
        margin = (features.shape[1] - cropped.shape[1]) // 2
        assert margin > 0
        np.testing.assert_array_equal(cropped, features[:, margin:-margin, margin:-margin])


@pytest.mark.parametrize("upsampling", unet.UPSAMPLINGS)
@pytest.mark.parametrize("channels", [3, 64])
def test_every_kernel_starts_with_he_standard_deviation(upsampling, channels):
    keras.utils.set_random_seed(1)
    model = unet.build_unet((32, 32, channels), depth=2, base=16, upsampling=upsampling, norm="none")
    checked = 0
    for layer in model.layers:
        if not isinstance(layer, CONVOLUTIONS) or layer.name == "head":
            continue
        kernel = np.asarray(layer.kernel)
        incoming = kernel.shape[0] * kernel.shape[1] * layer.input.shape[-1]
        if isinstance(layer, layers.Conv2DTranspose):
            # Keras takes the kernel's third axis for the inputs; it holds the outputs of a transposed convolution.
            incoming = kernel.shape[0] * kernel.shape[1] * layer.filters
        assert kernel.std() == pytest.approx(np.sqrt(2 / incoming), rel=0.12), layer.name
        assert abs(kernel.mean()) < 0.2 * kernel.std(), layer.name
        if layer.use_bias:
            assert not np.asarray(layer.bias).any()
        checked += 1
    assert checked >= 10


def test_a_bias_is_left_out_before_a_normalisation_only():
    for norm in unet.NORMS:
        model = unet.build_unet((16, 16, 3), depth=1, base=4, norm=norm)
        assert {x.use_bias for x in model.layers if "_conv" in x.name} == {norm == "none"}
        assert model.get_layer("head").use_bias


def test_group_normalisation_finds_groups_for_any_width():
    for base, groups in ((8, 8), (12, 4), (6, 2), (5, 1)):
        model = unet.build_unet((16, 16, 3), depth=1, base=base, norm="group")
        assert model.get_layer("enc1_norm1").groups == groups


def test_dropout_acts_in_training_only():
    model = unet.build_unet((16, 16, 3), depth=1, base=8, norm="none", dropout=0.5)
    images = picture((16, 16, 3))
    np.testing.assert_array_equal(run(model, images), run(model, images))
    assert np.abs(np.asarray(model(images, training=True)) - np.asarray(model(images, training=True))).max() > 0


@pytest.mark.parametrize(
    "options",
    [
        {"norm": "batch", "upsampling": "nearest"},
        {"norm": "group", "upsampling": "bilinear+conv", "dropout": 0.2},
        {"norm": "none", "upsampling": "transposed", "padding": "valid", "classes": 3},
    ],
)
def test_a_saved_network_comes_back_the_same(tmp_path, options):
    model = unet.build_unet((44, 44, 3), depth=2, base=4, **options)
    images = picture((44, 44, 3), 2)
    model(images, training=True)  # moves the running averages away from their start
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert [x.name for x in loaded.layers] == [x.name for x in model.layers]
    np.testing.assert_array_equal(run(loaded, images), run(model, images))


def test_the_articles_network_comes_back_compiled(tmp_path):
    model = unet.article_unet((16, 16, 3), base=4)
    model.optimizer.build(model.trainable_variables)  # otherwise loading warns that there is nothing to load
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.Adam)
    assert loaded.get_compile_config() == model.get_compile_config()


# ---- Sizes and errors --------------------------------------------------------------------------------------------------


def output_by_walking(size, depth):
    """The output size without padding, or None where a size gets odd or runs out: convolution by convolution."""
    down = []
    for _ in range(depth):
        size -= 4
        if size < 2 or size % 2:
            return None
        down.append(size)
        size //= 2
    size -= 4
    for skip in reversed(down):
        if size < 1:
            return None
        size *= 2
        assert skip >= size
        size -= 4
    return size if size > 0 else None


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_the_valid_sizes_are_those_that_walking_through_the_network_finds(depth):
    found = [(size, output_by_walking(size, depth)) for size in range(1, 800)]
    found = [pair for pair in found if pair[1]]
    assert unet.valid_sizes(depth, count=len(found)) == found
    assert unet.valid_sizes(depth, at_least=300, count=3) == [pair for pair in found if pair[0] >= 300][:3]


def test_the_papers_sizes_are_188_plus_16_k():
    assert unet.valid_sizes(4, count=3) == [(188, 4), (204, 20), (220, 36)]
    assert dict(unet.valid_sizes(4, count=40))[572] == 388


@pytest.mark.parametrize("padding", unet.PADDINGS)
@pytest.mark.parametrize("depth", [1, 2])
def test_check_size_refuses_what_does_not_fit_and_nothing_else(padding, depth):
    for size in range(1, 70):
        fits = size % 2**depth == 0 if padding == "same" else output_by_walking(size, depth) is not None
        if fits:
            unet.check_size(size, size, depth, padding)
        else:
            with pytest.raises(ValueError, match=rf"{size} px"):
                unet.check_size(size, size, depth, padding)


def test_a_size_the_check_lets_through_builds_and_gives_the_promised_output():
    for given, out in unet.valid_sizes(2, count=3):
        assert unet.build_unet((given, given, 1), depth=2, base=1, padding="valid").output_shape[1:3] == (out, out)


@pytest.mark.parametrize(
    "arguments, parts",
    [
        ({"input_shape": (70, 64, 3), "depth": 3}, ["height is 70 px", "multiple of 8", "64 or 72", "depth=1"]),
        ({"input_shape": (64, 70, 3), "depth": 3}, ["width is 70 px", "64 or 72"]),
        ({"input_shape": (63, 64, 3), "depth": 1}, ["height is 63 px", "multiple of 2", "62 or 64"]),
        ({"input_shape": (64, 64, 3), "depth": 7}, ["64 px", "7 poolings", "multiple of 128", "depth=6"]),
        ({"input_shape": (6, 6, 3), "depth": 3}, ["6 px", "pad it to 8", "depth=1"]),
        (
            {"input_shape": (572, 570, 1), "depth": 4, "padding": "valid"},
            ["width is 570 px", "556 px", "572 px", "388 px"],
        ),
        ({"input_shape": (64, 64, 1), "depth": 4, "padding": "valid"}, ["64 px", "188 px", "output 4 px", "204 px"]),
        ({"padding": "full"}, ["'full'", "'same'", "'valid'"]),
        ({"upsampling": "cubic"}, ["'cubic'", *map(repr, unet.UPSAMPLINGS)]),
        ({"norm": "layer"}, ["'layer'", *map(repr, unet.NORMS)]),
        ({"activation": "relu"}, ["'relu'", *map(repr, unet.ACTIVATIONS)]),
        ({"activation": "softmax", "classes": 1}, ["softmax over 1 class", "sigmoid", "classes=2"]),
        ({"dropout": 1.0}, ["dropout is 1.0", "less than 1"]),
        ({"dropout": -0.1}, ["dropout is -0.1", "at least 0"]),
        ({"depth": 0}, ["depth is 0", "1 or more"]),
        ({"depth": 2.5}, ["depth is 2.5", "whole number"]),
        ({"base": 0}, ["base is 0", "1 or more"]),
        ({"classes": "two"}, ["classes is 'two'", "whole number"]),
        ({"input_shape": (64, 64)}, ["(64, 64)", "height, width, channels"]),
        ({"input_shape": 64}, ["64", "height, width, channels"]),
        ({"input_shape": (64, None, 3)}, ["width", "None", "whole number"]),
        ({"input_shape": (64, 64, 0)}, ["channels", "0", "1 or more"]),
    ],
)
def test_a_wrong_argument_is_named_together_with_what_is_allowed(arguments, parts):
    with pytest.raises(ValueError) as caught:
        unet.build_unet(**arguments)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("size, depth", [(70, 3), (6, 3), (64, 7), (100, 4)])
def test_the_sizes_and_depths_that_an_error_recommends_do_work(size, depth):
    with pytest.raises(ValueError) as caught:
        unet.check_size(size, size, depth)
    step = 2**depth
    below = size // step * step
    for recommended in {below, below + step} - {0}:
        assert str(recommended) in str(caught.value)
        unet.check_size(recommended, recommended, depth)
    deepest = int(str(caught.value).split("depth=")[1].rstrip("."))
    unet.check_size(size, size, deepest)
    with pytest.raises(ValueError, match="px"):
        unet.check_size(size, size, deepest + 1)


@pytest.mark.parametrize("skips", [(), (1,), (2, 3), (1, 2, 3), None])
def test_only_the_named_skips_are_there(skips):
    model = unet.build_unet((32, 32, 3), depth=3, base=4, skips=skips)
    there = {layer.name for layer in model.layers if layer.name.endswith("_skip")}
    assert there == {f"dec{level}_skip" for level in ((1, 2, 3) if skips is None else skips)}
    assert model.output_shape == (None, 32, 32, 1)


def test_a_skip_that_no_level_has_is_named():
    with pytest.raises(ValueError, match="the levels are 1 to 3"):
        unet.build_unet((32, 32, 3), depth=3, skips=(4,))
