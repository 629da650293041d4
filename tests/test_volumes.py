"""Volumes: what is drawn, and a 3-D U-Net that is unet.py with ten lines changed."""

import inspect

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.test_plots import check, seen
from utils import checks, cost, plots, unet, volumes
from utils.plots import visualizing


def test_the_same_seed_draws_the_same_volumes_and_splits_differ():
    first, masks = volumes.draw(6)
    again, same = volumes.draw(6)
    assert (
        first.shape == masks.shape == (6, *volumes.SHAPE, 1) and first.dtype == np.float32 and masks.dtype == np.uint8
    )
    assert np.array_equal(first, again) and np.array_equal(masks, same) and first.min() >= 0 and first.max() <= 1
    assert np.array_equal(volumes.draw(2)[0], first[:2]), "a volume does not depend on how many are drawn"
    others = volumes.draw(6, split="test")[0], volumes.draw(6, seed=1)[0]
    assert not any(np.array_equal(first, other) for other in others)


def test_balls_and_shells_are_whole_in_the_truth_and_tubes_are_not_in_it(monkeypatch):
    sizes = {}
    for kind in ("ball", "shell", "tube"):
        monkeypatch.setattr(volumes, "KINDS", (kind,))
        seen, masks = volumes.draw(20, seed=3)
        sizes[kind] = masks.reshape(20, -1).sum(axis=1)
        inside, bright = masks == 1, seen - np.median(seen, axis=(1, 2, 3), keepdims=True) > 0.1
        if kind != "tube":
            share = bright[inside].mean()
            assert share > 0.95 if kind == "ball" else 0.6 < share < 0.8, "a shell is hollow"
        assert 0.07 < bright.mean() < 0.2 and bright[~inside].mean() < (0.05 if kind != "tube" else 0.2)
    assert sizes["tube"].max() == 0 and np.array_equal(sizes["ball"], sizes["shell"])
    radii = (sizes["ball"] / 2 * 3 / (4 * np.pi)) ** (1 / 3)
    assert 3.5 < radii.min() and radii.max() < 5.5, "two balls of these radii, none cut off"


def test_a_middle_slice_of_a_tube_and_of_a_shell_is_a_ring(monkeypatch):
    for kind in ("tube", "shell"):
        monkeypatch.setattr(volumes, "KINDS", (kind,))
        seen, _ = volumes.draw(1, seed=8)
        bright = seen[0, ..., 0] - np.median(seen) > 0.12
        assert 20 < bright[6].sum() < 160 and (bright[0].sum() > 20) == (kind == "tube"), (
            "a tube runs through all slices"
        )


def test_ten_lines_of_the_2_d_network_change_and_every_change_is_needed():
    old, new = inspect.getsource(unet), volumes.source()
    changed = [(a, b) for a, b in zip(old.splitlines(), new.splitlines(), strict=True) if a != b]
    assert len(changed) == 10 and "2D" not in new
    assert [part for part in volumes.CHANGES if part not in old] == []


@pytest.mark.parametrize("upsampling", ["nearest", "transposed", "nearest+conv"])
def test_the_3_d_network_has_the_layers_of_the_2_d_one_and_kernels_with_an_axis_more(upsampling):
    flat = unet.build_unet((8, 8, 1), depth=2, base=2, upsampling=upsampling)
    deep = volumes.unet_3d.build_unet((4, 8, 12, 1), depth=2, base=2, upsampling=upsampling)
    assert [layer.name for layer in deep.layers] == [layer.name for layer in flat.layers]
    for one, two in zip(flat.get_weights(), deep.get_weights(), strict=True):
        assert two.shape == (one.shape if one.ndim == 1 else one.shape[:1] + one.shape)
    assert deep.output_shape == (None, 4, 8, 12, 1)
    assert deep.predict(np.zeros((1, 4, 8, 12, 1)), verbose=0).shape == (1, 4, 8, 12, 1)


def test_the_3_d_network_on_a_volume_that_is_the_same_in_every_slice_is_the_2_d_network():
    """With kernels that hold the 2-D weights in their middle plane, zero elsewhere, depth plays no role."""
    keras.utils.set_random_seed(0)
    flat = unet.build_unet((16, 16, 1), depth=2, base=2)
    deep = volumes.unet_3d.build_unet((8, 16, 16, 1), depth=2, base=2)
    spread = [
        one if one.ndim == 1 else np.stack([one * (place == len(two) // 2) for place in range(len(two))])
        for one, two in zip(flat.get_weights(), deep.get_weights())
    ]
    deep.set_weights(spread)
    image = np.random.default_rng(0).random((1, 16, 16, 1), np.float32)
    expected = flat.predict(image, verbose=0)
    np.testing.assert_allclose(deep.predict(np.stack([image] * 8, axis=1), verbose=0)[0], [expected[0]] * 8, atol=1e-5)


def test_a_size_that_does_not_come_through_is_refused_along_every_axis():
    for shape in ((6, 8, 8, 1), (8, 6, 8, 1), (8, 8, 6, 1)):
        with pytest.raises(ValueError, match="6 px"):
            volumes.unet_3d.build_unet(shape, depth=2)


def test_valid_padding_crops_the_skips_along_all_three_axes():
    deep = volumes.unet_3d.build_unet((20, 20, 20, 1), depth=1, base=2, padding="valid")
    assert deep.output_shape == (None, 4, 4, 4, 1)


def test_macs_of_a_3_d_network_are_counted_on_all_voxels():
    deep = volumes.unet_3d.build_unet((4, 8, 8, 1), depth=1, base=2)
    first = next(row for row in cost.layer_table(deep) if row.name == "enc1_conv1")
    assert first.macs == 27 * 1 * 2 * 4 * 8 * 8 and first.activation_bytes == 4 * 2 * 4 * 8 * 8


# ---- The exercise ------------------------------------------------------------------------------------------------------


def counted(
    places=1, kernel=lambda axes: 3**axes, bias=lambda c, f: f, per_place=lambda w, b: w, bytes_=lambda c, f: 4 * f
):
    """An answer with one part replaced."""

    def answer(shape, channels, filters):
        size, added = int(np.prod(shape)), bias(channels, filters)
        kernels = kernel(len(shape)) * channels * filters
        return kernels + added, per_place(kernels, added) * (size if places else 1), bytes_(channels, filters) * size

    return answer


COSTS = [
    (counted(), "Right."),
    (lambda *args: None, "Waiting"),
    (lambda *args: (None, None, None), "Waiting"),
    (lambda *args: 1 / 0, "stopped with ZeroDivisionError"),
    (lambda *args: 3, "three numbers"),
    (counted(kernel=lambda axes: 9), "27 places"),
    (counted(kernel=lambda axes: 3 * axes), "to the power"),
    (counted(bias=lambda c, f: 0), "biases are missing"),
    (counted(bias=lambda c, f: c), "not for each channel"),
    (counted(per_place=lambda w, b: w + b), "a bias is added"),
    (counted(places=0), "once for each place"),
    (counted(bytes_=lambda c, f: f), "takes four bytes"),
    (counted(bytes_=lambda c, f: 8 * f), "not eight"),
    (counted(bytes_=lambda c, f: 4 * c), "as many channels"),
    (lambda *args: (1, 2, 3), "it should be"),
]


@pytest.mark.parametrize(("answer", "words"), COSTS)
def test_what_is_said_about_the_cost_of_a_convolution(capsys, answer, words):
    checks.convolution_cost(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words.lower() in out.lower(), out


# ---- Figures -----------------------------------------------------------------------------------------------------------


def test_slices_and_planes_show_the_arrays_that_were_given():
    rng = np.random.default_rng(0)
    volume, mask = rng.random((5, 6, 7, 1)), np.zeros((5, 6, 7, 1), np.uint8)
    mask[2:4, 1:3, 2:6] = 1
    rows = [volume[k] for k in (0, 2, 4)] + [mask[k] for k in (0, 2, 4)]
    axes, _ = check(plots.slices, volume, mask, panels=rows, words=["Slices 0, 2, 4", "in each: 0, 8, 0."])
    assert [axis.get_title() for axis in axes[:3]] == ["slice 0", "slice 2", "slice 4"]
    other = mask.copy()
    other[2, 1, 2], other[0, 0, :2] = 0, 1
    expected = [one for k in (0, 1, 2) for one in (np.take(volume, (2, 1, 2)[k], k), np.take(mask, (2, 1, 2)[k], k))]
    axes, _ = check(
        plots.planes, volume, mask, {"mine": other}, (2, 1, 2),
        panels=dict(zip((0, 1, 3, 4, 6, 7), expected)), words=["through (2, 1, 2)", "IoU in this volume: mine 0.83."],
    )  # fmt: skip
    assert np.allclose(seen(axes[2]), visualizing.error_picture(mask[2], other[2]))
    plt.close("all")
