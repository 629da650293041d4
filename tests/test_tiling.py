"""Tiles: they cover a picture once, their windows are those of a padded picture, and with enough halo nothing changes."""

import itertools
import tracemalloc

import keras
import numpy as np
import pytest
from scipy import ndimage

from utils import shapes, tiling, unet


@pytest.mark.parametrize(("height", "width", "tile"), [(64, 64, 16), (50, 33, 16), (7, 100, 32)])
def test_every_pixel_is_in_one_tile(height, width, tile):
    seen = np.zeros((height, width), int)
    for one in tiling.tiles(height, width, tile, 16):
        seen[one.rows, one.columns] += 1
        assert one.size == tile + 32
        assert one.top == one.rows.start - 16 and one.left == one.columns.start - 16
        assert one.top % 16 == one.left % 16 == 0
        part = np.zeros((one.size, one.size))[one.inside]
        assert part.shape == seen[one.rows, one.columns].shape
    assert (seen == 1).all()


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge"])
@pytest.mark.parametrize(("size", "before"), [(5, 3), (5, 23), (2, 7), (1, 4)])
def test_what_lies_beyond_is_what_numpy_pads(mode, size, before):
    expected = np.pad(np.arange(size), before, mode=mode)
    assert np.array_equal(tiling.beyond(-before, size + 2 * before, size, mode), expected)


@pytest.mark.parametrize(
    ("mode", "numpy_mode"), [("reflect", "reflect"), ("symmetric", "symmetric"), ("edge", "edge"), ("zero", "constant")]
)
def test_windows_are_cut_from_a_padded_picture(mode, numpy_mode):
    picture = np.random.default_rng(0).random((23, 31, 2))
    padded = np.pad(picture, ((60, 60), (60, 60), (0, 0)), mode=numpy_mode)
    for one in tiling.tiles(23, 31, 12, 8, multiple=4):
        expected = padded[60 + one.top : 60 + one.top + one.size, 60 + one.left : 60 + one.left + one.size]
        assert np.array_equal(tiling.window(picture, one, mode), expected)


def blur(batch):
    """A function that sees 3 px far, on each channel."""
    return np.stack([ndimage.uniform_filter(image, (7, 7, 1), mode="constant") for image in batch])


@pytest.mark.parametrize(("mode", "scipy_mode"), [("reflect", "mirror"), ("symmetric", "reflect"), ("edge", "nearest")])
@pytest.mark.parametrize("shape", [(40, 40, 1), (37, 53, 2)])
def test_a_filter_in_tiles_is_the_filter(mode, scipy_mode, shape):
    picture = np.random.default_rng(1).random(shape).astype(np.float32)
    whole = ndimage.uniform_filter(picture, (7, 7, 1), mode=scipy_mode)
    for halo, same in ((4, True), (3, True), (2, False), (0, False)):
        tiled = tiling.predict_tiled(blur, picture, 10, halo, mode, multiple=1)
        assert np.allclose(tiled, whole, atol=1e-5) == same
        assert tiled.dtype == np.float32 and tiled.shape == shape


def test_a_network_in_tiles_is_the_network():
    """Two poolings see 22 px far, so a halo of 24 is enough and one of 8 is not."""
    keras.utils.set_random_seed(2)
    network = unet.build_unet((80, 80, 3), depth=2, base=4)
    whole = unet.build_unet((144, 112, 3), depth=2, base=4)
    values = network.get_weights()
    whole.set_weights(values)
    picture = shapes.draw(1, size=96).images[0][:, :64]
    padded = np.pad(picture, ((24, 24), (24, 24), (0, 0)), mode="reflect")
    expected = np.asarray(whole(padded[None]))[0, 24:-24, 24:-24]
    tiled = tiling.predict_tiled(network, picture, 32, 24, multiple=4)
    assert np.abs(tiled - expected).max() < 1e-5
    small = unet.build_unet((48, 48, 3), depth=2, base=4)
    small.set_weights(values)
    assert np.abs(tiling.predict_tiled(small, picture, 32, 8, multiple=4) - expected).max() > 1e-4


def test_tiles_come_one_by_one():
    asked = []

    def predict(batch):
        asked.append(batch.shape)
        return batch[..., :1]

    picture = np.zeros((64, 64, 3), np.float32)
    found = tiling.stream(predict, picture, 16, 16)
    assert asked == []
    for _, output in itertools.islice(found, 3):
        assert output.shape == (16, 16, 1)
    assert asked == [(1, 48, 48, 3)] * 3


def test_memory_does_not_grow_with_the_picture():
    peaks = []
    for side in (128, 512):
        picture = np.zeros((side, side, 3), np.float32)
        out = np.zeros((side, side, 1), np.float32)
        tracemalloc.start()
        tiling.predict_tiled(lambda batch: batch[..., :1] + 0, picture, 32, 16, out=out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 1e6


def test_the_result_can_be_written_elsewhere(tmp_path):
    out = np.memmap(tmp_path / "out", np.float32, "w+", shape=(40, 40, 3))
    picture = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
    stored = np.memmap(tmp_path / "in", np.float32, "w+", shape=picture.shape)
    stored[:] = picture
    assert tiling.predict_tiled(lambda batch: batch, stored, 16, 16, out=out) is out
    assert np.array_equal(out, picture)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"tile": 20}, "tile is 20 px.*for example 32"),
        ({"halo": 8}, "halo is 8 px.*for example 16"),
        ({"halo": -16}, "halo -16"),
        ({"tile": 0}, "tile 0"),
        ({"mode": "wrap"}, "'wrap'.*'reflect'"),
        ({"picture": np.zeros((1, 32, 32, 3))}, r"\(H, W, channels\)"),
        ({"predict": lambda batch: batch[:, 4:-4, 4:-4]}, "without padding"),
        ({"predict": lambda batch: batch[0]}, "returned"),
    ],
)
def test_what_cannot_be_tiled_is_refused(parts, words):
    given = {"predict": lambda batch: batch, "picture": np.zeros((32, 32, 3)), "tile": 16, "halo": 16} | parts
    with pytest.raises(ValueError, match=words):
        tiling.predict_tiled(**given)


def test_a_large_scene_has_no_joints_and_shapes_of_the_trained_size():
    drawn = tiling.scene(2, seed=4)
    assert drawn.images.shape == (1, 256, 256, 3) and drawn.masks.shape == (1, 256, 256, 1)
    assert drawn.instances.shape == (1, 256, 256) and set(np.unique(drawn.instances)) == {0, 1, 2, 3, 4}
    assert not drawn.masks[0, 126:130].any() and 0.05 < drawn.masks.mean() < 0.4
    assert np.array_equal(drawn.images, tiling.scene(2, seed=4).images)
    widths = [np.ptp(np.nonzero(drawn.instances[0, :128, :128] == k)[1]) for k in (3, 4)]
    assert max(widths) <= 2 * 0.36 * 64 + 2


def test_waves_go_on_from_block_to_block():
    """The step from one row to the next is as small between two blocks as within one; medians leave noise and lines out."""
    for seed in range(3):
        image = tiling.scene(4, seed=seed).images[0].mean(-1)
        steps = {}
        for name, first in (("between", 127), ("within", 125)):
            rows = [image[row + 1] - image[row] for row in range(first, first + 300, 128)]
            steps[name] = np.sqrt(np.mean(np.median(np.concatenate(rows).reshape(-1, 128), 0) ** 2))
        assert steps["between"] < 1.3 * steps["within"]
