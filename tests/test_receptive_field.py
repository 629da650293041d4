"""Receptive fields against brute force, gradients, finite differences, loops and figures from the literature."""

import keras
import numpy as np
import pytest
from keras import layers

from utils import receptive_field, unet


def unet_of(depth, size=64, upsampling="nearest", **more):
    return unet.build_unet((size, size, 1), depth=depth, base=1, upsampling=upsampling, norm="none", **more)


def output_span(model):
    field = receptive_field.of_layers(model)[-1]
    assert field.rows == field.columns
    return field.rows


def sequence(*stack, size=24):
    """A model of these layers in a row."""
    x = inputs = keras.Input((size, size, 1))
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


# ---- From the graph ----------------------------------------------------------------------------------------------------


def test_unets_see_what_the_literature_says():
    assert [output_span(unet_of(depth)) for depth in (1, 2, 3, 4)] == [(18, 18), (44, 44), (92, 100), (188, 204)]
    assert [output_span(unet_of(depth, upsampling="bilinear")) for depth in (1, 2)] == [(20, 20), (48, 52)]
    assert [output_span(unet_of(depth, upsampling="nearest+conv")) for depth in (1, 2)] == [(20, 20), (48, 52)]


def test_every_layer_of_the_article_network_grows_by_the_rule():
    fields = {field.layer: field for field in receptive_field.of_layers(unet.article_unet((64, 64, 3), base=1))}
    expected = {
        "image": 1, "enc1_conv1": 3, "enc1_conv2": 5, "enc1_pool": 6, "bottleneck_conv1": 10, "bottleneck_conv2": 14,
        "dec1_up": 14, "dec1_skip": 14, "dec1_conv1": 16, "dec1_conv2": 18, "head": 18,
    }  # fmt: skip
    assert {name: fields[name].rows for name in expected} == {name: (v, v) for name, v in expected.items()}
    assert fields["bottleneck_conv1"].jump == 2 and fields["head"].jump == 1
    assert fields["enc1_pool"].shape == (32, 32, 1)


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Conv2D(1, 4, padding="same"), layers.Conv2D(1, (3, 5), padding="valid")],
        [layers.Conv2D(1, 3, padding="same", dilation_rate=2), layers.DepthwiseConv2D(5, padding="same")],
        [layers.Conv2D(1, 3, strides=3, padding="same"), layers.Conv2D(1, 2, strides=2)],
        [
            layers.Cropping2D(((1, 0), (0, 1))),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.AveragePooling2D(2),
        ],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 3, strides=2, padding="same")],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 4, strides=2, padding="same")],
        [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 5, strides=3)],
        [layers.MaxPooling2D(3), layers.UpSampling2D(3, interpolation="bilinear")],
        [layers.Conv2D(1, 3), layers.Cropping2D(((2, 1), (0, 3)))],
    ],
)
def test_lighting_every_pixel_finds_the_field_of_a_stack(stack):
    model = sequence(*stack)
    height, width = model.output.shape[1:3]
    for pixel in ((height // 2, width // 2), (height // 2 + 1, 0)):
        theory = receptive_field.theoretical(model, pixel).inside(24, 24)
        lit = receptive_field.by_perturbation(model, pixel)
        for axis in (0, 1):  # a dilated kernel has holes, so only the outer limits are compared
            assert np.array_equal(*(np.nonzero(found.any(axis))[0][[0, -1]] for found in (theory, lit)))


def test_a_field_differs_between_rows_and_columns_where_the_kernel_does():
    field = receptive_field.of_layers(sequence(layers.Conv2D(1, (3, 7), padding="same")))[-1]
    assert (field.rows, field.columns) == ((3, 3), (7, 7))


def test_a_concatenation_sees_the_union_of_its_branches():
    inputs = keras.Input((24, 24, 1))
    up = layers.Cropping2D(((0, 4), (2, 2)))(inputs)
    down = layers.Cropping2D(((4, 0), (2, 2)))(inputs)
    for branches in ([up, down], [down, up]):
        model = keras.Model(inputs, layers.Concatenate()(branches))
        assert receptive_field.theoretical(model, (3, 5)) == (3, 8, 7, 8)


def test_a_box_beyond_the_image_is_cut_off():
    inside = receptive_field.Box(-2, 1, 3, 9).inside(4, 5)
    assert inside.sum() == 2 and inside[0, 3:].all()
    assert not receptive_field.Box(-5, -2, 0, 3).inside(4, 5).any()


@pytest.mark.parametrize(
    "layer",
    [
        layers.GroupNormalization(1, name="odd_one"),
        layers.UpSampling2D(2, interpolation="bicubic", name="odd_one"),
        layers.Conv2DTranspose(1, 2, strides=3, name="odd_one"),
    ],
)
def test_a_layer_that_cannot_be_followed_is_named(layer):
    with pytest.raises(ValueError, match=rf"'odd_one' \({type(layer).__name__}\) cannot be followed"):
        receptive_field.of_layers(sequence(layer))


def test_the_table_holds_one_line_for_every_layer_that_moves_pixels():
    lines = receptive_field.table(unet.build_unet((64, 64, 3), depth=3, base=1)).splitlines()
    assert lines[0].split() == ["layer", "height", "x", "width", "jump", "sees"]
    assert lines[4].split() == ["enc1_pool", "32", "x", "32", "2", "px", "6", "px"]
    assert lines[-1].split()[-2:] == ["92-100", "px"] and len({len(line) for line in lines}) == 1
    assert len(lines) == 1 + 1 + 3 * 3 + 2 + 3 * 4 + 1


# ---- By experiment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsampling", unet.UPSAMPLINGS)
def test_lighting_every_pixel_finds_the_theoretical_field_with_one_pooling(upsampling):
    model = unet_of(1, 24, upsampling)
    for pixel in ((12, 11), (3, 22)):  # the second one is cut by two borders
        theory = receptive_field.theoretical(model, pixel).inside(24, 24)
        assert np.array_equal(receptive_field.by_perturbation(model, pixel), theory)


@pytest.mark.parametrize(
    "depth, size, pixel, options",
    [
        (2, 64, (35, 27), {"upsampling": "bilinear+conv"}),
        (2, 64, (0, 63), {"upsampling": "transposed"}),
        (3, 128, (67, 64), {}),
        (4, 208, (112, 104), {}),
        (2, 60, (0, 7), {"padding": "valid"}),
    ],
)
def test_lighting_pixels_at_its_ends_finds_the_theoretical_field_with_more_poolings(depth, size, pixel, options):
    model = unet_of(depth, size, **options)
    box = receptive_field.theoretical(model, pixel)
    tried = np.zeros((size, size), bool)
    for row in (box.top - 1, box.top, box.bottom - 1, box.bottom):
        for column in (box.left - 1, box.left, box.right - 1, box.right):
            tried[np.clip(row, 0, size - 1), np.clip(column, 0, size - 1)] = True
    found = receptive_field.by_perturbation(model, pixel, tried=tried, chunk=5)
    assert np.array_equal(found, tried & box.inside(size, size))
    assert found.any() and (tried & ~found).any()


def test_lighting_pixels_can_ask_for_another_layer_and_leaves_the_model_as_it_was():
    model = unet.build_unet((16, 16, 3), depth=1, base=2)
    before = [w.copy() for w in model.get_weights()]
    found = receptive_field.by_perturbation(model, (5, 6), "enc1_conv2")
    assert np.array_equal(found, receptive_field.theoretical(model, (5, 6), "enc1_conv2").inside(16, 16))
    assert found.sum() == 25
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert model.get_layer("head").activation is keras.activations.sigmoid


# ---- By gradients ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).random((3, 16, 16, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    return unet.build_unet((16, 16, 3), depth=1, base=8, norm="none")


def test_the_gradient_of_a_convolution_is_its_kernel_even_where_the_sigmoid_is_flat():
    model = sequence(layers.Conv2D(1, 3, padding="same", activation="sigmoid"), size=9)
    model.set_weights([np.random.default_rng(4).normal(0, 50, w.shape) for w in model.get_weights()])
    pictures = np.random.default_rng(5).random((30, 9, 9, 1), dtype=np.float32)  # more than go through at once
    found = receptive_field.by_gradient(model, pictures, (4, 6))
    expected = np.zeros((9, 9))
    expected[3:6, 5:8] = np.abs(model.get_weights()[0][..., 0, 0])
    assert found.shape == (30, 9, 9)
    assert np.allclose(found, expected, rtol=1e-5)


def test_gradients_of_a_u_net_agree_with_finite_differences(trained, images):
    def logit(batch):
        p = np.asarray(trained(batch, training=False), np.float64)[:, 7, 9, 0]
        return np.log(p / (1 - p))

    step, found = 1e-3, receptive_field.by_gradient(trained, images[:1], (7, 9))[0]
    for row, column in ((7, 9), (6, 9), (9, 11), (3, 5), (0, 0)):
        moved = np.repeat(images[:1], 6, axis=0)
        moved[[0, 1, 2], row, column, [0, 1, 2]] += step
        moved[[3, 4, 5], row, column, [0, 1, 2]] -= step
        up, down = np.split(logit(moved), 2)
        assert found[row, column] == pytest.approx(np.abs(up - down).sum() / (2 * step), rel=0.05, abs=2e-3)
    assert found.max() > 0.02


def test_the_effective_field_is_the_mean_over_images_scaled_to_1(trained, images):
    each = receptive_field.by_gradient(trained, images, (8, 8))
    field = receptive_field.effective(trained, images, (8, 8))
    assert np.allclose(field, each.mean(axis=0) / each.mean(axis=0).sum())
    assert field.sum() == pytest.approx(1)
    assert field[~receptive_field.theoretical(trained, (8, 8)).inside(16, 16)].max(initial=0) == 0


def test_a_square_holds_what_a_loop_counts():
    field = np.random.default_rng(6).random((11, 13)) ** 3
    for share in (0.05, 0.3, 0.9, 1):
        for side in range(1, 40, 2):
            r = side // 2
            if field[max(0, 4 - r) : 5 + r, max(0, 6 - r) : 7 + r].sum() >= share * field.sum() - 1e-9:
                break
        assert receptive_field.square_holding(field, (4, 6), share) == side


def test_limits_are_written_once_where_they_agree():
    assert (receptive_field.span((92, 100)), receptive_field.span((18, 18))) == ("92-100", "18")
