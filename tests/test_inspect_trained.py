"""Silenced skips and gradients, against the same thing done another way: cleared kernels, finite differences, loops."""

import keras
import numpy as np
import pytest

from utils import inspect_model, shapes, unet


def scrambled(model, seed=0):
    """The model with every weight drawn at random, batch normalisation's too."""
    rng = np.random.default_rng(seed)
    drawn = [rng.uniform(0.1, 0.6, w.shape) for w in model.get_weights()]
    model.set_weights([w * rng.choice([-1, 1], w.shape) if w.ndim > 1 else w for w in drawn])
    return model


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return scrambled(unet.build_unet((16, 16, 3), depth=2, base=4))


@pytest.fixture(scope="module")
def images():
    return shapes.draw(5, size=16).images


def output(model, images):
    return np.asarray(model(images, training=False))


@pytest.mark.parametrize("levels", [(1,), (2,), (1, 2)])
def test_a_silenced_skip_is_the_same_as_clearing_the_kernel_that_reads_it(model, images, levels):
    silent = inspect_model.without_skip(model, *levels)
    cleared = keras.models.clone_model(model)
    cleared.set_weights(model.get_weights())
    for level in levels:
        layer = cleared.get_layer(f"dec{level}_conv1")
        kernel = np.asarray(layer.kernel).copy()
        kernel[:, :, : 4 * 2 ** (level - 1)] = 0
        layer.kernel.assign(kernel)
    assert np.allclose(output(silent, images), output(cleared, images), atol=1e-6)
    assert np.abs(output(silent, images) - output(model, images)).max() > 1e-3


def test_silencing_leaves_the_model_as_it_was(model, images):
    before, weights = output(model, images), [w.copy() for w in model.get_weights()]
    silent = inspect_model.without_skip(model, 1)
    silent.set_weights([w * 0 for w in silent.get_weights()])
    assert np.array_equal(output(model, images), before)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights))
    assert model.get_layer("dec1_skip").input[0] is model.get_layer("enc1_relu2").output


def test_a_skip_with_a_crop_can_be_silenced():
    model = scrambled(unet.build_unet((44, 44, 1), depth=2, base=2, padding="valid", norm="none"))
    image = np.ones((1, 44, 44, 1), np.float32) * 0.01
    assert output(inspect_model.without_skip(model, 2), image).shape == output(model, image).shape


@pytest.mark.parametrize(("levels", "given"), [((), "no level"), ((3,), "3"), ((1, 0), "1, 0")])
def test_a_level_without_a_skip_is_refused_and_those_there_are_are_named(model, levels, given):
    with pytest.raises(ValueError, match=f"You gave {given}; .* levels: 1, 2"):
        inspect_model.without_skip(model, *levels)


def test_a_model_without_skips_says_so():
    plain = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3)])
    with pytest.raises(ValueError, match="levels: none"):
        inspect_model.without_skip(plain, 1)


def linear(filters=1):
    """A convolution with a random kernel and a sigmoid."""
    rng = np.random.default_rng(4)
    convolution = keras.layers.Conv2D(filters, 3, padding="same", activation="sigmoid")
    model = keras.Sequential([keras.Input((9, 9, 3)), convolution])
    model.set_weights([rng.normal(0, 5, w.shape) for w in model.get_weights()])
    return model


def test_the_gradient_of_a_convolution_is_its_kernel_even_where_the_sigmoid_is_flat():
    model = linear()
    pictures = np.random.default_rng(5).random((3, 9, 9, 3)).astype(np.float32)
    found = inspect_model.input_gradients(model, pictures, (4, 6), chunk=2)
    expected = np.zeros((9, 9))
    expected[3:6, 5:8] = np.abs(model.get_weights()[0]).sum(axis=(2, 3))
    assert found.shape == (3, 9, 9)
    assert np.allclose(found, expected, rtol=1e-5)


def test_gradients_of_a_u_net_agree_with_finite_differences(images):
    keras.utils.set_random_seed(1)
    model = unet.build_unet((16, 16, 3), depth=1, base=8, norm="none")
    pixel, step = (7, 9), 1e-3

    def logit(batch):
        p = np.asarray(model(batch, training=False), np.float64)[:, 7, 9, 0]
        return np.log(p / (1 - p))

    image = images[:1]
    found = inspect_model.input_gradients(model, image, pixel)[0]
    for row, column in ((7, 9), (6, 9), (9, 11), (3, 5), (0, 0)):
        slopes = []
        for colour in range(3):
            moved = np.repeat(image, 2, axis=0)
            moved[0, row, column, colour] += step
            moved[1, row, column, colour] -= step
            up, down = logit(moved)
            slopes.append(abs(up - down) / (2 * step))
        assert found[row, column] == pytest.approx(sum(slopes), rel=0.05, abs=2e-3)
    assert found.max() > 0.02


def test_no_gradient_falls_outside_the_theoretical_field():
    model = unet.build_unet((64, 64, 3), depth=1, base=4)
    field = inspect_model.effective_receptive_field(model, shapes.draw(3).images, (30, 31))
    box = inspect_model.theoretical_field(model, (30, 31))
    assert field[~box.inside(64, 64)].max() == 0
    assert field.sum() == pytest.approx(1)
    assert inspect_model.square_holding(field, (30, 31), 1) <= 21


def test_the_effective_field_is_the_mean_over_images_scaled_to_1(model, images):
    each = inspect_model.input_gradients(model, images, (8, 8))
    field = inspect_model.effective_receptive_field(model, images, (8, 8))
    assert np.allclose(field, each.mean(axis=0) / each.mean(axis=0).sum())


def test_a_square_holds_what_a_loop_counts():
    field = np.random.default_rng(6).random((11, 13)) ** 3
    for share in (0.05, 0.3, 0.9, 1):
        for side in range(1, 40, 2):
            r = side // 2
            if field[max(0, 4 - r) : 5 + r, max(0, 6 - r) : 7 + r].sum() >= share * field.sum() - 1e-9:
                break
        assert inspect_model.square_holding(field, (4, 6), share) == side


def test_bad_questions_are_refused(model, images):
    with pytest.raises(ValueError, match="outside the 16 x 16 output"):
        inspect_model.input_gradients(model, images, (16, 0))
    with pytest.raises(ValueError, match=r"image\[None\]"):
        inspect_model.input_gradients(model, images[0], (0, 0))
    with pytest.raises(ValueError, match="2 channels"):
        inspect_model.input_gradients(linear(2), np.zeros((1, 9, 9, 3)), (0, 0))
    with pytest.raises(ValueError, match="No input pixel"):
        dead = linear()
        dead.set_weights([w * 0 for w in dead.get_weights()])
        inspect_model.effective_receptive_field(dead, np.zeros((1, 9, 9, 3)), (0, 0))
    for field, pixel, share, message in (
        (np.ones((3, 3)), (1, 1), 0, "share is 0"),
        (np.ones((3, 3)), (3, 1), 0.5, "outside"),
        (np.zeros((3, 3)), (1, 1), 0.5, "0 everywhere"),
    ):
        with pytest.raises(ValueError, match=message):
            inspect_model.square_holding(field, pixel, share)
