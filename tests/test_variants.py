"""Variants of the U-Net: the plain parts make the series' network, and each variant does what its paper asks."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers

from scripts import studies_variants
from utils import cost, plots, receptive_field, unet, variants, weights
from utils.plots import variants as figures

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 32, 32, 3), np.float32)
SMALL = {"depth": 2, "base": 4}


def test_plain_parts_make_the_series_network():
    for classes, options in ((1, {}), (3, SMALL)):
        ours, theirs = (build((32, 32, 3), classes=classes, **options) for build in (variants.build, unet.build_unet))
        assert [(x.name, type(x)) for x in ours.layers] == [(x.name, type(x)) for x in theirs.layers]
        ours.set_weights(theirs.get_weights())
        np.testing.assert_array_equal(ours(IMAGES), theirs(IMAGES))


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_every_variant_maps_images_of_any_size_to_probabilities(name):
    for classes in (1, 3):
        output = np.asarray(keras.tree.flatten(variants.VARIANTS[name]((None, None, 3), classes=classes)(IMAGES))[0])
        assert output.shape == (2, 32, 32, classes) and output.min() >= 0
        np.testing.assert_allclose(output.sum(axis=-1), 1, atol=1e-5) if classes > 1 else None


PAIRS = [
    *((variants.plain_block, new) for new in (variants.residual_block, variants.squeeze_block, variants.separable_block)),
    *((variants.concatenate, new) for new in (variants.add, variants.attend)),
    (variants.no_stem, variants.patch_stem), (variants.plain_head, variants.patch_head),
    (variants.build, variants.build_nested),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=[new.__name__ for _, new in PAIRS])
def test_a_variant_changes_at_most_fifteen_lines(old, new):
    lines = variants.difference(old, new).splitlines()
    assert 1 <= sum(line[0] == "+" for line in lines) <= 15 and {line[0] for line in lines} == {"+", "-"} - (
        {"-"} if new in (variants.residual_block, variants.attend) else set()
    )


def test_the_difference_of_a_function_from_itself_is_nothing():
    assert variants.difference(variants.build, variants.build) == ""


def part(make, *shapes):
    """A model of one part, for inputs of these shapes."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], make(*inputs))


def test_a_residual_block_without_a_change_returns_its_input():
    block = part(lambda x: variants.residual_block(x, 3, "one"), (8, 8, 3))
    for layer in block.layers:
        if layer.name in ("one_conv1", "one_conv2"):
            layer.kernel.assign(0 * layer.kernel)
    block.get_layer("one_fit").kernel.assign(np.eye(3)[None, None])
    x = RNG.normal(size=(2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(block(x), np.maximum(x, 0), atol=1e-6)


def test_squeeze_gives_every_channel_one_factor():
    block = part(lambda x: variants.squeeze_block(x, 8, "one"), (8, 8, 3))
    before = keras.Model(block.inputs[0], block.get_layer("one_relu2").output)
    ratio = np.asarray(block(IMAGES[:, :8, :8])) / np.maximum(before(IMAGES[:, :8, :8]), 1e-9)
    for image in ratio.reshape(2, 64, 8):
        found = [channel[channel > 0] for channel in image.T]
        assert all(np.ptp(channel) < 1e-4 and 0 < channel[0] < 1 for channel in found if channel.size)


def test_separable_convolutions_have_fewer_weights_and_see_as_far():
    plain, separable = (variants.VARIANTS[name]() for name in ("plain", "separable"))
    assert separable.count_params() < plain.count_params() / 7 and cost.macs(separable) < cost.macs(plain) / 5
    assert receptive_field.of_layers(separable)[-1].rows == receptive_field.of_layers(plain)[-1].rows


def test_a_sum_needs_as_many_channels():
    joined = part(lambda skip, x: variants.add(skip, x, "one"), (8, 8, 4), (8, 8, 8))
    assert joined.output_shape == (None, 8, 8, 4) and joined.count_params() == 8 * 4 + 4


def test_a_closed_gate_lets_nothing_of_the_skip_through():
    joined = part(lambda skip, x: variants.attend(skip, x, "one"), (8, 8, 4), (8, 8, 8))
    skip, x = RNG.random((1, 8, 8, 4), np.float32), RNG.random((1, 8, 8, 8), np.float32)
    gate = joined.get_layer("one_gate")
    for bias, times in ((-50.0, 0), (50.0, 1)):
        gate.bias.assign([bias])
        np.testing.assert_allclose(joined([skip, x]), np.concatenate([times * skip, x], axis=-1), atol=1e-5)


def test_the_patch_stem_mixes_each_patch_alone_and_loses_nothing():
    stem = part(variants.patch_stem, (8, 8, 3))
    kernel = stem.layers[-1].kernel.numpy().reshape(12, 12)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(12), atol=1e-5)
    network = variants.VARIANTS["patch stem"]((64, 64, 3))
    assert network.output_shape == (None, 64, 64, 1) and network.get_layer("enc1_conv1").input.shape[1:] == (32, 32, 12)


def test_deep_supervision_adds_outputs_and_keeps_the_first():
    plain = variants.build((32, 32, 3), **{**SMALL, "depth": 3})
    network = variants.deep_supervision(plain)
    found = network(IMAGES)
    np.testing.assert_array_equal(found[0], plain(IMAGES))
    masks = np.zeros((2, 32, 32, 1))
    given, targets = studies_variants.coarser(IMAGES, masks)
    assert given is IMAGES and [t.shape for t in targets] == [output.shape for output in found]


def test_every_node_of_the_nested_network_reads_its_row_and_the_node_below():
    network = variants.build_nested((32, 32, 3), **SMALL)
    joins = {x.name: [y.shape[-1] for y in x.input] for x in network.layers if isinstance(x, layers.Concatenate)}
    assert joins == {"mid11_skip": [4, 8], "dec2_skip": [8, 16], "dec1_skip": [4, 4, 8]}


def test_only_the_encoder_is_copied():
    source, target, fresh = (unet.build_unet((32, 32, 3), classes=classes, **SMALL) for classes in (1, 3, 3))
    target.set_weights(fresh.get_weights())
    variants.copy_encoder(source, target)
    for layer in target.layers:
        there = source if layer.name.startswith(("enc", "bottleneck")) else fresh
        for one, two in zip(layer.get_weights(), there.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_what_a_network_sees_is_its_heads_field():
    assert variants.sees(variants.VARIANTS["deep supervision"]()) == variants.sees(variants.build()) == "204 px"
    assert variants.sees(variants.VARIANTS["squeeze"]()) == "the image"


def test_equal_seconds_are_more_steps_where_a_step_is_shorter():
    plain = studies_variants.STEPS["silhouettes"]
    steps = {name: studies_variants.steps_for(name, "silhouettes") for name in variants.VARIANTS}
    assert set(studies_variants.MS) == set(steps) and steps["plain"] == steps["pretrained"] == plain
    assert steps["nested"] < plain < steps["patch stem"] < steps["separable"]
    for name, number in steps.items():
        assert number * studies_variants.MS[name] == pytest.approx(plain * studies_variants.MS["plain"], rel=0.1), name


def test_pretrained_weights_come_from_the_other_task():
    for name in ("unet_nuclei", "unet_shapes"):
        source, target = weights.load_shipped(name), variants.build(classes=1)
        variants.copy_encoder(source, target)
        np.testing.assert_array_equal(target.get_layer("enc1_conv1").kernel, source.get_layer("enc1_conv1").kernel)


# ---- Figures -----------------------------------------------------------------------------------------------------------


def test_the_drawing_follows_the_layers():
    models = {name: variants.VARIANTS[name]((64, 64, 3)) for name in ("attention", "nested", "patch stem", "residual")}
    fig, alt = plots.u_parts.__wrapped__(models)
    for text in (
        "attention: 9 blocks on 5 levels, 4 gates",
        "nested: 15 blocks",
        "7 blocks on 4 levels, a stem",
        "9 blocks with +",
    ):
        assert text in alt
    nodes, arrows = figures._graph(models["nested"])
    assert nodes["mid21"][:2] == (3, 1) and nodes["dec1"][:2] == (8, 0) and nodes["bottleneck"][:2] == (4, 4)
    into = {start for start, end in arrows if end == "dec1"}
    assert into == {"enc1", "mid11", "mid12", "mid13", "dec2"}
    _, arrows = figures._graph(models["attention"])
    assert ("enc1", "gate1") in arrows and ("gate1", "dec1") in arrows and ("enc1", "dec1") not in arrows
    assert [axis.get_title() for axis in fig.axes[:4]] == list(models)
    plt.close(fig)


def test_gates_lie_over_their_images():
    images, found = RNG.random((2, 8, 8, 3)), np.stack([np.eye(8), np.ones((8, 8))])
    fig, alt = plots.gates.__wrapped__(images, found)
    for k in (0, 1):
        np.testing.assert_array_equal(fig.axes[k].images[0].get_array(), images[k])
        np.testing.assert_array_equal(fig.axes[2 + k].images[1].get_array(), found[k])
        assert fig.axes[2 + k].images[1].get_clim() == (0, 1)
    assert alt.endswith("mean 0.12, 1.00.")
    plt.close(fig)
