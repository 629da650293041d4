"""Receptive fields against brute force, gradients and figures from the literature; feature maps; tables."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from utils import inspect_model, unet


def unet_of(depth, size=64, upsampling="nearest", **more):
    return unet.build_unet((size, size, 1), depth=depth, base=1, upsampling=upsampling, norm="none", **more)


def output_span(model):
    field = inspect_model.receptive_field(model)[-1]
    assert field.rows == field.columns
    return field.rows


def by_gradient(model, pixels):
    """The input pixels connected to each output pixel: one gradient through a linear, positive copy of the model.

    Averaging takes the place of max pooling, because a maximum passes its gradient to one pixel of its window only.
    """

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, layers.MaxPooling2D):
            return layers.AveragePooling2D.from_config(config)
        return type(layer).from_config(config | ({"activation": "linear"} if "activation" in config else {}))

    copy = keras.models.clone_model(model, clone_function=clone)
    for weight in copy.weights:
        value = 0 if weight.path.endswith("bias") else 1 / np.prod(weight.shape[:-1])
        weight.assign(np.full(weight.shape, value, np.float32))
    image = tf.Variable(tf.ones((1, *model.input.shape[1:])))
    with tf.GradientTape(persistent=True) as tape:
        output = copy(image, training=False)
        values = [output[0, row, column, 0] for row, column in pixels]
    return [np.asarray(tape.gradient(value, image))[0].max(axis=-1) > 0 for value in values]


def sequence(*stack, size=24):
    """A model of these layers in a row."""
    x = inputs = keras.Input((size, size, 1))
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


# ---- U-Nets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_unets_see_what_the_literature_says(upsampling):
    spans = [output_span(unet_of(depth, upsampling=upsampling)) for depth in (1, 2, 3, 4)]
    assert spans == [(18, 18), (44, 44), (92, 100), (188, 204)]


def test_interpolation_with_more_neighbours_sees_further():
    assert [output_span(unet_of(depth, upsampling="bilinear")) for depth in (1, 2)] == [(20, 20), (48, 52)]
    assert [output_span(unet_of(depth, upsampling="nearest+conv")) for depth in (1, 2)] == [(20, 20), (48, 52)]


def test_the_papers_unpadded_network_sees_as_far_as_the_padded_one():
    assert output_span(unet_of(4, 572, "transposed", padding="valid")) == (188, 204)


def test_every_layer_of_the_article_network_grows_by_the_rule():
    fields = {field.layer: field for field in inspect_model.receptive_field(unet.article_unet((64, 64, 3), base=1))}
    expected = {
        "image": 1, "enc1_conv1": 3, "enc1_conv2": 5, "enc1_pool": 6, "bottleneck_conv1": 10, "bottleneck_conv2": 14,
        "dec1_up": 14, "dec1_conv1": 16, "dec1_conv2": 18, "head": 18,
    }  # fmt: skip
    assert {name: fields[name].rows for name in expected} == {name: (v, v) for name, v in expected.items()}
    assert fields["bottleneck_conv1"].step == 2 and fields["head"].step == 1


@pytest.mark.parametrize("upsampling", unet.UPSAMPLINGS)
def test_lighting_every_pixel_finds_the_theoretical_field_with_one_pooling(upsampling):
    model = unet_of(1, 24, upsampling)
    for pixel in ((12, 11), (3, 22)):  # the second one is cut by two borders
        theory = inspect_model.theoretical_field(model, pixel).inside(24, 24)
        assert np.array_equal(inspect_model.perturbed_field(model, pixel), theory)


@pytest.mark.parametrize(("depth", "size", "width"), [(2, 64, 44), (3, 128, 100)])
def test_lighting_pixels_around_its_border_finds_the_theoretical_field(depth, size, width):
    model, pixel = unet_of(depth, size), (size // 2 + 3, size // 2)
    box = inspect_model.theoretical_field(model, pixel)
    assert box.bottom - box.top == width and min(box) >= 0 and max(box) <= size  # nothing is cut off
    tried = np.zeros((size, size), bool)
    for row in (box.top - 1, box.top, (box.top + box.bottom) // 2, box.bottom - 1, box.bottom):
        for column in (box.left - 1, box.left, (box.left + box.right) // 2, box.right - 1, box.right):
            tried[row, column] = True
    tried.flat[np.random.default_rng(0).choice(size**2, 40, replace=False)] = True
    found = inspect_model.perturbed_field(model, pixel, tried=tried)
    assert np.array_equal(found, box.inside(size, size) & tried)
    assert found.any() and (tried & ~found).any()


@pytest.mark.parametrize("upsampling", unet.UPSAMPLINGS)
@pytest.mark.parametrize(("depth", "size"), [(1, 32), (2, 64), (3, 128)])
def test_gradients_find_the_theoretical_field(depth, size, upsampling):
    model = unet_of(depth, size, upsampling)
    pixels = (size // 2, size // 2), (size // 2 + 3, size // 2 - 5), (0, size - 1)
    for pixel, found in zip(pixels, by_gradient(model, pixels)):
        assert np.array_equal(found, inspect_model.theoretical_field(model, pixel).inside(size, size))


def test_gradients_find_the_theoretical_field_with_four_poolings():
    model, pixel = unet_of(4, 208), (112, 104)
    box = inspect_model.theoretical_field(model, pixel)
    assert {box.bottom - box.top, box.right - box.left} == {188, 204}
    assert np.array_equal(by_gradient(model, [pixel])[0], box.inside(208, 208))


def test_gradients_find_the_field_of_an_unpadded_network_with_crops():
    model = unet_of(2, unet.valid_sizes(2, at_least=60)[0][0], padding="valid")
    size = model.input.shape[1]
    pixels = (0, 0), (5, 6), (model.output.shape[1] - 1, 3)
    for pixel, found in zip(pixels, by_gradient(model, pixels)):
        box = inspect_model.theoretical_field(model, pixel)
        assert min(box) >= 0 and max(box) <= size  # without padding nothing lies outside
        assert np.array_equal(found, box.inside(size, size))


# ---- Single layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Conv2D(1, 5, padding="same")],
        [layers.Conv2D(1, 4, padding="same")],
        [layers.Conv2D(1, (3, 5), padding="valid")],
        [layers.Conv2D(1, 3, padding="same", dilation_rate=2), layers.Conv2D(1, 3, padding="same")],
        [layers.Conv2D(1, 3, strides=2, padding="same"), layers.Conv2D(1, 3, padding="same")],
        [layers.Conv2D(1, 3, strides=3, padding="same"), layers.Conv2D(1, 2, strides=2)],
        [layers.MaxPooling2D(3, strides=2, padding="same"), layers.AveragePooling2D(2)],
        [layers.DepthwiseConv2D(3, padding="same"), layers.SeparableConv2D(1, 3, padding="same")],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 3, strides=2, padding="same")],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 4, strides=2, padding="same")],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 5, strides=3)],
        [layers.MaxPooling2D(3), layers.UpSampling2D(3, interpolation="bilinear")],
        [layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Conv2D(1, 3), layers.Cropping2D(((2, 1), (0, 3)))],
    ],
    ids=lambda stack: "+".join(layer.name for layer in stack),
)
def test_lighting_every_pixel_finds_the_field_of_a_stack(stack):
    model = sequence(*stack)
    height, width = model.output.shape[1:3]
    for pixel in ((height // 2, width // 2), (height // 2 + 1, width // 2 - 1), (0, width - 1)):
        theory = inspect_model.theoretical_field(model, pixel).inside(24, 24)
        hull = np.argwhere(inspect_model.perturbed_field(model, pixel))
        (top, left), (bottom, right) = hull.min(axis=0), hull.max(axis=0)
        assert (top, bottom + 1, left, right + 1) == tuple(
            int(v) for v in np.array([[e.min(), e.max() + 1] for e in np.nonzero(theory)]).ravel()
        )


def test_a_field_differs_between_rows_and_columns_where_the_kernel_does():
    field = inspect_model.receptive_field(sequence(layers.Conv2D(1, (3, 7), padding="same")))[-1]
    assert (field.rows, field.columns) == ((3, 3), (7, 7))


def test_a_concatenation_sees_the_union_of_its_branches():
    inputs = keras.Input((24, 24, 1))
    up = layers.Cropping2D(((0, 4), (2, 2)))(inputs)
    down = layers.Cropping2D(((4, 0), (2, 2)))(inputs)
    model = keras.Model(inputs, layers.Concatenate()([up, down]))
    assert inspect_model.theoretical_field(model, (3, 5)) == (3, 8, 7, 8)


# ---- Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "part"),
    [
        (layers.UpSampling2D(2, interpolation="bicubic", name="odd_one"), "UpSampling2D"),
        (layers.Conv2DTranspose(1, 2, strides=3, name="odd_one"), "Conv2DTranspose"),
        (layers.Permute((2, 1, 3), name="odd_one"), "Permute"),
        (layers.GroupNormalization(1, name="odd_one"), "whole picture|all pixels"),
    ],
)
def test_a_layer_that_cannot_be_followed_is_named(layer, part):
    with pytest.raises(ValueError, match="odd_one") as error:
        inspect_model.receptive_field(sequence(layer))
    assert any(word in str(error.value) for word in part.split("|"))


def test_a_layer_used_twice_is_named():
    twice = layers.Conv2D(1, 3, padding="same", name="twice")
    inputs = keras.Input((8, 8, 1))
    with pytest.raises(ValueError, match="'twice'.*more than once"):
        inspect_model.receptive_field(keras.Model(inputs, twice(twice(inputs))))


def test_an_input_without_a_fixed_size_is_an_error_that_says_what_to_do():
    inputs = keras.Input((None, None, 1))
    with pytest.raises(ValueError, match="fixed input size"):
        inspect_model.receptive_field(keras.Model(inputs, layers.Conv2D(1, 3, padding="same")(inputs)))


def test_a_pixel_outside_the_output_is_an_error():
    model = unet_of(1, 16)
    for ask in (inspect_model.theoretical_field, inspect_model.perturbed_field):
        with pytest.raises(ValueError, match="outside the 16 x 16 output"):
            ask(model, (16, 0))


def test_pixels_to_try_must_have_the_pictures_size():
    with pytest.raises(ValueError, match=r"\(8, 8\).*\(16, 16\)"):
        inspect_model.perturbed_field(unet_of(1, 16), (3, 3), tried=np.ones((8, 8), bool))


def test_an_unknown_layer_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match="enc1_conv1"):
        inspect_model.feature_maps(unet_of(1, 16), np.zeros((1, 16, 16, 1)), ["enc1_cnov1"])


def test_feature_maps_need_names_and_a_batch_of_images():
    with pytest.raises(ValueError, match="at least one name"):
        inspect_model.feature_maps(unet_of(1, 16), np.zeros((1, 16, 16, 1)), [])
    with pytest.raises(ValueError, match=r"image\[None\]"):
        inspect_model.feature_maps(unet_of(1, 16), np.zeros((16, 16, 1)), ["head"])


# ---- Feature maps, blocks, tables --------------------------------------------------------------------------------------


def test_feature_maps_are_what_models_cut_off_at_the_layer_put_out():
    keras.utils.set_random_seed(0)
    model = unet.build_unet((16, 16, 3), depth=2, base=2)
    images = np.random.default_rng(0).random((5, 16, 16, 3), dtype=np.float32)
    names = ["dec1_conv2", "enc1_relu1", "head"]
    maps = inspect_model.feature_maps(model, images, names, chunk=2)
    assert list(maps) == names
    for name in names:
        cut = keras.Model(model.input, model.get_layer(name).output)
        expected = np.asarray(cut(images, training=False))
        assert maps[name].dtype == np.float32 and maps[name].shape == expected.shape
        np.testing.assert_allclose(maps[name], expected, atol=1e-5)
    assert maps["head"].std() > 0


def test_perturbing_leaves_the_model_as_it_was():
    model = unet_of(1, 16)
    before = [np.array(w) for w in model.get_weights()]
    inspect_model.perturbed_field(model, (5, 5), tried=np.eye(16, dtype=bool))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert model.get_layer("head").activation is keras.activations.sigmoid


def test_blocks_have_the_shapes_and_skips_of_the_model():
    model = unet.build_unet((64, 32, 3), depth=2, base=8, upsampling="nearest+conv")
    found = [(b.name, b.level, b.shape, b.skip, b.below) for b in inspect_model.blocks(model)]
    assert found == [
        ("image", 1, (64, 32, 3), 0, 0), ("enc1", 1, (64, 32, 8), 0, 0), ("enc2", 2, (32, 16, 16), 0, 0),
        ("bottleneck", 3, (16, 8, 32), 0, 0), ("dec2", 2, (32, 16, 16), 16, 16), ("dec1", 1, (64, 32, 8), 8, 8),
        ("head", 1, (64, 32, 1), 0, 0),
    ]  # fmt: skip


def test_blocks_of_an_unpadded_network_shrink():
    model = unet_of(4, 572, "transposed", padding="valid")  # the paper's, with 1 channel in place of 64
    shapes = {b.name: (b.shape, b.skip, b.below) for b in inspect_model.blocks(model)}
    assert shapes["enc4"] == ((64, 64, 8), 0, 0) and shapes["bottleneck"] == ((28, 28, 16), 0, 0)
    assert shapes["dec1"] == ((388, 388, 1), 1, 1) and shapes["head"] == ((388, 388, 1), 0, 0)


def test_blocks_of_another_model_are_an_error_that_names_the_library():
    with pytest.raises(ValueError, match=r"utils\.unet"):
        inspect_model.blocks(sequence(layers.Conv2D(1, 3)))


def test_tables_hold_one_line_for_every_layer_that_moves_pixels():
    model = unet.build_unet((64, 64, 3), depth=1, base=8)
    lines = inspect_model.shape_table(model).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "image", "enc1_conv1", "enc1_conv2", "enc1_pool", "bottleneck_conv1", "bottleneck_conv2", "dec1_up", "dec1_skip",
        "dec1_conv1", "dec1_conv2", "head",
    ]  # fmt: skip
    assert lines[8].split() == ["dec1_skip", "64", "x", "64", "24"] and len({len(line) for line in lines}) == 1
    assert inspect_model.field_table(unet_of(3)).splitlines()[-1].split()[-2:] == ["92-100", "px"]
