"""Blocks, shapes, feature maps and silenced skips, against the same thing done another way."""

import keras
import numpy as np
import pytest

from utils import inspect_model, unet


@pytest.fixture(scope="module")
def model():
    """A small network with every weight drawn at random, batch normalisation's too."""
    built = unet.build_unet((16, 16, 3), depth=2, base=4)
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(0.1, 0.6, w.shape) for w in built.get_weights()]
    built.set_weights([w * rng.choice([-1, 1], w.shape) if w.ndim > 1 else w for w in drawn])
    return built


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((5, 16, 16, 3), dtype=np.float32)


def output(model, images):
    return np.asarray(model(images, training=False))


def test_feature_maps_are_what_models_cut_off_at_the_layer_put_out(model):
    images = np.random.default_rng(0).random((35, 16, 16, 3), dtype=np.float32)  # more than go through at once
    names = ["dec1_conv2", "enc1_relu1", "head"]
    maps = inspect_model.feature_maps(model, images, names)
    assert list(maps) == names
    for name in names:
        expected = output(keras.Model(model.input, model.get_layer(name).output), images)
        assert maps[name].dtype == np.float32 and expected.std() > 0
        np.testing.assert_allclose(maps[name], expected, atol=1e-4)


def test_blocks_have_the_shapes_and_skips_of_the_model():
    model = unet.build_unet((64, 32, 3), depth=3, base=8, skips=(1, 3))
    assert [(b.name, b.role, b.level, b.shape, b.skip, b.below) for b in inspect_model.blocks(model)] == [
        ("image", "image", 1, (64, 32, 3), 0, 0), ("enc1", "encoder", 1, (64, 32, 8), 0, 0),
        ("enc2", "encoder", 2, (32, 16, 16), 0, 0), ("enc3", "encoder", 3, (16, 8, 32), 0, 0),
        ("bottleneck", "bottleneck", 4, (8, 4, 64), 0, 0), ("dec3", "decoder", 3, (16, 8, 32), 32, 64),
        ("dec2", "decoder", 2, (32, 16, 16), 0, 32), ("dec1", "decoder", 1, (64, 32, 8), 8, 16),
        ("head", "head", 1, (64, 32, 1), 0, 0),
    ]  # fmt: skip


def test_blocks_of_an_unpadded_network_shrink():
    model = unet.build_unet((572, 572, 1), depth=4, base=1, upsampling="transposed", norm="none", padding="valid")
    shapes = {b.name: (b.shape, b.skip, b.below) for b in inspect_model.blocks(model)}
    assert shapes["enc4"] == ((64, 64, 8), 0, 0) and shapes["bottleneck"] == ((28, 28, 16), 0, 0)
    assert shapes["dec1"] == ((388, 388, 1), 1, 1) and shapes["head"] == ((388, 388, 1), 0, 0)


def test_the_table_holds_one_line_for_every_layer_that_moves_pixels():
    for norm in ("batch", "group"):
        lines = inspect_model.shape_table(unet.build_unet((64, 64, 3), depth=1, base=8, norm=norm)).splitlines()
        assert [line.split()[0] for line in lines] == [
            "layer", "image", "enc1_conv1", "enc1_conv2", "enc1_pool", "bottleneck_conv1", "bottleneck_conv2", "dec1_up",
            "dec1_skip", "dec1_conv1", "dec1_conv2", "head",
        ]  # fmt: skip
        assert lines[8].split() == ["dec1_skip", "64", "x", "64", "24"] and len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("levels", [(1,), (2,), (1, 2)])
def test_a_silenced_skip_is_the_same_as_clearing_the_kernel_that_reads_it(model, images, levels):
    silent = inspect_model.without_skip(model, *levels)
    cleared = keras.models.clone_model(model)
    cleared.set_weights(model.get_weights())
    for level in levels:
        layer = cleared.get_layer(f"dec{level}_conv1")
        kernel = np.array(layer.get_weights()[0])
        kernel[:, :, : 4 * 2 ** (level - 1)] = 0
        layer.kernel.assign(kernel)
    assert np.allclose(output(silent, images), output(cleared, images), atol=1e-6)
    assert np.abs(output(silent, images) - output(model, images)).max() > 1e-3


def test_a_skip_can_carry_one_value_a_channel_instead(model, images):
    means = {1: np.arange(1, 5) / 4, 2: np.ones(8)}
    changed = inspect_model.without_skip(model, 1, means=means)
    before, after = (inspect_model.feature_maps(m, images, ["dec1_skip", "dec2_skip"]) for m in (model, changed))
    assert np.array_equal(after["dec1_skip"][..., :4], np.broadcast_to(means[1], after["dec1_skip"][..., :4].shape))
    assert np.allclose(after["dec1_skip"][..., 4:], before["dec1_skip"][..., 4:], atol=1e-6)
    assert np.allclose(after["dec2_skip"], before["dec2_skip"], atol=1e-6)


def test_silencing_leaves_the_model_as_it_was(model, images):
    before, weights = output(model, images), [w.copy() for w in model.get_weights()]
    silent = inspect_model.without_skip(model, 1)
    silent.set_weights([w * 0 for w in silent.get_weights()])
    assert np.array_equal(output(model, images), before)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights))
    assert model.get_layer("dec1_skip").input[0] is model.get_layer("enc1_relu2").output


def test_a_skip_with_a_crop_can_be_silenced():
    model = unet.build_unet((44, 44, 1), depth=2, base=2, padding="valid", norm="none")
    image = np.ones((1, 44, 44, 1), np.float32)
    assert output(inspect_model.without_skip(model, 2), image).shape == output(model, image).shape


def test_a_level_without_a_skip_is_refused(model):
    with pytest.raises(ValueError, match="dec3_skip"):
        inspect_model.without_skip(model, 3)
