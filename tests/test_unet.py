"""The network: every option builds what it says, and computes what the same network in NumPy computes."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from utils import project, unet

PLAIN = {"depth": 2, "base": 4, "classes": 1, "norm": "batch", "upsampling": "nearest", "padding": "same"}
# Options and the parameters that the network of the first edition had.
COMBINATIONS = [
    ({}, 7_741),
    ({"upsampling": "transposed", "norm": "none", "padding": "valid", "classes": 2}, 7_438),
    ({"upsampling": "transposed", "norm": "group", "base": 6, "skips": (1,), "activation": "linear"}, 15_421),
    ({"upsampling": "nearest", "norm": "none", "depth": 3, "skips": (2,), "padding": "valid", "dropout": 0.2}, 28_189),
    ({"upsampling": "nearest", "norm": "group", "base": 5, "depth": 1, "classes": 3}, 2_663),
    ({"upsampling": "bilinear", "depth": 3, "skips": (1, 3), "classes": 3, "activation": "sigmoid"}, 30_599),
    ({"upsampling": "bilinear", "norm": "none", "padding": "valid", "base": 3}, 4_249),
    ({"upsampling": "nearest+conv", "classes": 4, "dropout": 0.5}, 8_488),
    ({"upsampling": "nearest+conv", "norm": "none", "depth": 1, "skips": ()}, 1_697),
    ({"upsampling": "bilinear+conv", "norm": "group", "padding": "valid", "classes": 2, "activation": "linear"}, 8_318),
    ({"upsampling": "bilinear+conv", "depth": 3, "base": 2}, 8_757),
]


def build(options):
    """A small network with random weights, biases and running averages too, and all its options."""
    options = PLAIN | options
    depth = options["depth"]
    sizes = [size for size, _ in unet.valid_sizes(depth, count=2)] if options["padding"] == "valid" else (16, 24)
    keras.utils.set_random_seed(0)
    model = unet.build_unet((*sizes, 2), **options)
    rng = np.random.default_rng(0)
    model.set_weights([w if w.ndim > 1 else rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model, options


def picture(shape, count=1):
    return np.random.default_rng(0).random((count, *shape), dtype=np.float32)


def run(model, images):
    return np.asarray(model(images, training=False))


# ---- The same network in NumPy -----------------------------------------------------------------------------------------


def convolve(x, kernel, bias=0.0, same=True):
    margin = kernel.shape[0] // 2 if same else 0
    x = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel, optimize=True) + bias


def normalise(x, kind, weights):
    if kind == "none":
        return x
    if kind == "batch":
        gamma, beta, mean, variance = weights
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    groups = next(g for g in (8, 4, 2, 1) if x.shape[-1] % g == 0)
    parts = x.reshape(*x.shape[:3], groups, -1)
    mean, variance = (f(parts, axis=(1, 2, 4), keepdims=True) for f in (np.mean, np.var))
    return ((parts - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape) * weights[0] + weights[1]


def double(x, method):
    if method == "nearest":
        return x.repeat(2, axis=1).repeat(2, axis=2)
    for axis in (1, 2):  # each new pixel lies a quarter of a pixel from an old one
        x = np.moveaxis(x, axis, 0)
        before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        x = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=1).reshape(-1, *x.shape[1:])
        x = np.moveaxis(x, 0, axis)
    return x


def by_numpy(model, x, *, depth, norm, upsampling, padding, activation, skips=None, **_):
    """What the network puts out, from its weights by the layers' names."""
    weights = {layer.name: layer.get_weights() for layer in model.layers}

    def block(x, name):
        for i in (1, 2):
            x = convolve(x, *weights[f"{name}_conv{i}"], same=padding == "same")
            x = np.maximum(normalise(x, norm, weights.get(f"{name}_norm{i}")), 0)
        return x

    carried, x = {}, x.astype(float)
    for level in range(1, depth + 1):
        carried[level] = x = block(x, f"enc{level}")
        count, height, width, channels = x.shape
        x = x.reshape(count, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    x = block(x, "bottleneck")
    for level in range(depth, 0, -1):
        if upsampling == "transposed":
            kernel, bias = weights[f"dec{level}_up"]
            count, height, width, _ = x.shape
            x = np.einsum("nhwc,ijfc->nhiwjf", x, kernel).reshape(count, 2 * height, 2 * width, -1) + bias
        else:
            method, _, more = upsampling.partition("+")
            x = double(x, method)
            x = convolve(x, *weights[f"dec{level}_upconv"]) if more else x
        if skips is None or level in skips:
            margin = (carried[level].shape[1] - x.shape[1]) // 2
            middle = slice(margin, margin + x.shape[1]), slice(margin, margin + x.shape[2])
            x = np.concatenate([carried[level][:, *middle], x], axis=-1)
        x = block(x, f"dec{level}")
    x = convolve(x, *weights["head"])
    if activation == "linear":
        return x
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-x))
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("options, parameters", COMBINATIONS)
def test_every_option_computes_what_numpy_computes(options, parameters):
    model, options = build(options)
    assert model.count_params() == parameters
    options.setdefault("activation", "sigmoid" if options["classes"] == 1 else "softmax")
    assert model.get_layer("head").activation.__name__ == options["activation"]
    images = picture(model.input_shape[1:], 2)
    output, wanted = run(model, images), by_numpy(model, images, **options)
    assert output.dtype == np.float32 and output.shape == wanted.shape and output.std() > 1e-6
    np.testing.assert_allclose(output, wanted, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["unet_shapes", "unet_classes", "unet_nuclei", "unet_touching", "unet_touching_plain"])
def test_the_shipped_weights_load_and_give_what_numpy_computes(name):
    network = json.loads((project.DATA / f"{name}.json").read_text(encoding="utf-8"))["network"]
    model = unet.build_unet((None, None, 3), **network)  # any size
    model.load_weights(project.DATA / f"{name}.weights.h5")
    options = PLAIN | network | {"activation": "softmax" if "classes" in network else "sigmoid"}
    images = picture((16, 32, 3))
    np.testing.assert_allclose(run(model, images), by_numpy(model, images, **options), atol=1e-4)


# ---- Layers, parameters, initial weights -------------------------------------------------------------------------------


def test_the_layers_have_the_names_that_notebooks_and_weight_files_rely_on():
    options = {"depth": 1, "base": 1, "upsampling": "nearest+conv", "padding": "valid", "dropout": 0.5}
    assert [layer.name for layer in unet.build_unet((44, 44, 1), **options).layers] == [
        "image", "enc1_conv1", "enc1_norm1", "enc1_relu1", "enc1_conv2", "enc1_norm2", "enc1_relu2", "enc1_pool",
        "bottleneck_conv1", "bottleneck_norm1", "bottleneck_relu1", "bottleneck_conv2", "bottleneck_norm2",
        "bottleneck_relu2", "bottleneck_dropout", "dec1_up", "dec1_crop", "dec1_upconv", "dec1_skip", "dec1_conv1",
        "dec1_norm1", "dec1_relu1", "dec1_conv2", "dec1_norm2", "dec1_relu2", "head",
    ]  # fmt: skip


def test_the_articles_network_has_407809_parameters_and_is_compiled_as_in_the_article():
    model = unet.article_unet()
    assert (model.input_shape, model.output_shape) == ((None, 256, 256, 3), (None, 256, 256, 1))
    assert model.count_params() == 407_809
    assert [layer.name for layer in model.layers if "norm" in layer.name or "upconv" in layer.name] == []
    assert isinstance(model.optimizer, keras.optimizers.Adam) and model.loss == "binary_crossentropy"
    assert model.get_compile_config()["metrics"] == ["accuracy"]
    assert model.get_layer("head").activation is keras.activations.sigmoid


def test_the_papers_network_goes_from_572_to_388_with_31030658_parameters_and_23_convolutions():
    model = unet.paper_unet()
    assert (model.input_shape, model.output_shape) == ((None, 572, 572, 1), (None, 388, 388, 2))
    assert model.count_params() == 31_030_658
    assert sum(isinstance(x, layers.Conv2D | layers.Conv2DTranspose) for x in model.layers) == 23
    assert model.get_layer("bottleneck_conv1").input.shape == (None, 32, 32, 512)
    assert model.get_layer("bottleneck_conv2").output.shape == (None, 28, 28, 1024)
    assert model.get_layer("bottleneck_dropout").rate == 0.5
    assert model.get_layer("head").activation is keras.activations.softmax


def test_one_training_step_moves_the_running_averages_by_a_tenth():
    model = unet.build_unet((16, 16, 3), depth=1, base=4)
    images = picture((16, 16, 3), 4)
    before = keras.Model(model.input, model.get_layer("enc1_conv1").output)(images)
    model(images, training=True)
    # They start at 0 and 1; with Keras's own momentum of .99 they would move by a hundredth.
    _, _, mean, variance = model.get_layer("enc1_norm1").get_weights()
    np.testing.assert_allclose(mean, 0.1 * np.mean(before, axis=(0, 1, 2)), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * np.var(before, axis=(0, 1, 2)), rtol=1e-3)
    assert {x.momentum for x in model.layers if isinstance(x, layers.BatchNormalization)} == {0.9}


@pytest.mark.parametrize("upsampling", ["transposed", "nearest+conv"])
def test_every_kernel_starts_with_he_standard_deviation(upsampling):
    keras.utils.set_random_seed(1)
    model = unet.build_unet((16, 16, 32), depth=1, base=24, upsampling=upsampling, norm="none")
    kernels = [x for x in model.layers if hasattr(x, "kernel") and x.name != "head"]
    assert len(kernels) == 7
    for layer in kernels:
        kernel, bias = layer.get_weights()
        assert kernel.std() == pytest.approx(np.sqrt(2 / np.prod(kernel.shape[:3])), rel=0.12), layer.name
        assert abs(kernel.mean()) < 0.2 * kernel.std() and not bias.any()


def test_dropout_acts_at_the_bottom_and_in_training_only():
    model = unet.build_unet((16, 16, 3), depth=1, base=8, norm="none", dropout=0.5)
    features = np.ones((1, 8, 8, 16), np.float32)
    dropped = np.asarray(model.get_layer("bottleneck_dropout")(features, training=True))
    assert 0.3 < (dropped == 0).mean() < 0.7
    assert model.get_layer("dec1_up").input is model.get_layer("bottleneck_dropout").output
    assert np.array_equal(run(model, picture((16, 16, 3))), run(model, picture((16, 16, 3))))


@pytest.mark.parametrize("options", [options for options, _ in COMBINATIONS[:3]])
def test_a_saved_network_comes_back_the_same(tmp_path, options):
    model, _ = build(options)
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert [x.name for x in loaded.layers] == [x.name for x in model.layers]
    images = picture(model.input_shape[1:])
    np.testing.assert_array_equal(run(loaded, images), run(model, images))


# ---- Sizes and errors --------------------------------------------------------------------------------------------------


def output_by_walking(size, depth):
    """The output size without padding, or None where a size gets odd or runs out: convolution by convolution."""
    for _ in range(depth):
        size -= 4
        if size < 2 or size % 2:
            return None
        size //= 2
    size -= 4
    for _ in range(depth):
        if size < 1:
            return None
        size = 2 * size - 4
    return size if size > 0 else None


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_the_valid_sizes_are_those_that_walking_through_the_network_finds(depth):
    walked = [(size, output_by_walking(size, depth)) for size in range(1, 800)]
    assert [unet.output_size(size, depth) for size, _ in walked] == [out for _, out in walked]
    found = [pair for pair in walked if pair[1]]
    assert unet.valid_sizes(depth, count=len(found)) == found
    assert depth != 4 or (found[0], found[24]) == ((188, 4), (572, 388))  # the paper's
    assert unet.valid_sizes(depth, at_least=300, count=3) == [pair for pair in found if pair[0] >= 300][:3]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2])
def test_check_size_refuses_what_does_not_fit_and_nothing_else(padding, depth):
    good = unet.valid_sizes(depth, count=1)[0][0] if padding == "valid" else 2**depth
    for size in range(1, 70):
        if size % 2**depth == 0 if padding == "same" else output_by_walking(size, depth):
            unet.check_size(size, size, depth, padding)
            continue
        with pytest.raises(ValueError, match=f"height is {size} px"):
            unet.check_size(size, good, depth, padding)
        with pytest.raises(ValueError, match=f"width is {size} px"):
            unet.check_size(good, size, depth, padding)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"input_shape": (70, 64, 3), "depth": 3}, "height is 70 px.*multiple of 8.*most depth=1 .*to 64 px or 72 px"),
        ({"input_shape": (64, 63, 3), "depth": 1}, "width is 63 px.*multiple of 2.*to 62 px or 64 px"),
        ({"input_shape": (6, 6, 3), "depth": 3}, "6 px.*most depth=1 .*to 8 px"),
        ({"input_shape": (64, 64, 3), "depth": 7}, "64 px.*multiple of 128.*most depth=6 .*to 128 px"),
        ({"input_shape": (572, 570, 1), "padding": "valid"}, "width is 570 px.*556 px .*372 px. or 572 px .*388"),
        ({"input_shape": (64, 64, 1), "padding": "valid"}, "64 px.*188 px .output 4 px. or 204 px"),
        ({"input_shape": (None, None, 1), "padding": "valid"}, "None px.*188 px"),
        ({"padding": "full"}, "'full'.*'same', 'valid'"),
        ({"upsampling": "cubic"}, "'cubic'.*'transposed', 'nearest', 'bilinear'"),
        ({"norm": "layer"}, "'layer'.*'none', 'batch', 'group'"),
        ({"activation": "relu"}, "'relu'.*'sigmoid', 'linear'"),
        ({"activation": "softmax", "classes": 1}, "'softmax'.*'sigmoid', 'linear'"),
        ({"skips": (1, 4), "depth": 3}, "a level in skips is 4; choose one of 1, 2, 3"),
    ],
)
def test_a_wrong_size_or_option_is_named_together_with_what_is_allowed(arguments, message):
    with pytest.raises(ValueError, match=message):
        unet.build_unet(**arguments)
