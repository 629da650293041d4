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
        assert one.inside[0].start == one.inside[1].start == 16
        assert np.zeros((one.size, one.size))[one.inside].shape == seen[one.rows, one.columns].shape
    assert (seen == 1).all()


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge"])
@pytest.mark.parametrize(("size", "before"), [(5, 3), (5, 23), (2, 7), (1, 4)])
def test_what_lies_beyond_is_what_numpy_pads(mode, size, before):
    expected = np.pad(np.arange(size), before, mode=mode)
    assert np.array_equal(tiling.padded_index(-before, size + 2 * before, size, mode), expected)


@pytest.mark.parametrize("mode", tiling.MODES)
def test_windows_are_cut_from_a_padded_picture(mode):
    picture = np.random.default_rng(0).random((23, 31, 2))
    before = picture.copy()
    padded = np.pad(picture, ((60, 60), (60, 60), (0, 0)), mode="constant" if mode == "zero" else mode)
    for one in tiling.tiles(23, 31, 12, 8, multiple=4):
        expected = padded[60 + one.top : 60 + one.top + one.size, 60 + one.left : 60 + one.left + one.size]
        assert np.array_equal(tiling.window(picture, one, mode), expected)
    assert np.array_equal(picture, before)


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
    """Two poolings see 22 px far, so a halo of 24 is enough and one of 8 is not. Drop-out must not act."""
    keras.utils.set_random_seed(2)
    networks = {side: unet.build_unet((side, side, 3), depth=2, base=4, dropout=0.5) for side in (80, 112, 48)}
    for network in networks.values():
        network.set_weights(networks[80].get_weights())
    picture = shapes.draw(1, size=64).images[0]
    padded = np.pad(picture, ((24, 24), (24, 24), (0, 0)), mode="reflect")
    expected = networks[112].predict(padded[None], verbose=0)[0, 24:-24, 24:-24]
    assert np.abs(tiling.predict_tiled(networks[80], picture, 32, 24, multiple=4) - expected).max() < 1e-5
    assert np.abs(tiling.predict_tiled(networks[48], picture, 32, 8, multiple=4) - expected).max() > 1e-4


def test_tiles_come_one_by_one():
    asked = []

    def predict(batch):
        asked.append((batch.shape, batch.dtype))
        return batch[..., :1]

    found = tiling.stream(predict, np.zeros((64, 64, 3)), 16, 16)
    assert asked == []
    assert [output.shape for _, output in itertools.islice(found, 3)] == [(16, 16, 1)] * 3
    assert asked == [((1, 48, 48, 3), np.float32)] * 3


def test_a_file_goes_to_a_file_and_is_never_read_whole(tmp_path):
    rng = np.random.default_rng(0)
    peaks = []
    for side in (128, 512):
        stored = np.memmap(tmp_path / "in", np.float32, "w+", shape=(side, side, 3))
        stored[:] = rng.random(stored.shape, dtype=np.float32)
        picture = np.memmap(tmp_path / "in", np.float32, "r", shape=stored.shape)
        out = np.memmap(tmp_path / "out", np.float32, "w+", shape=(side, side, 3))
        tracemalloc.start()
        assert tiling.predict_tiled(lambda batch: batch, picture, 32, 16, "zero", out=out) is out
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert np.array_equal(out, stored)
    assert peaks[1] < 1.2 * peaks[0] < 1e6


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"tile": 20}, "tile is 20 px.*for example 32"),
        ({"halo": 8}, "halo is 8 px.*for example 16"),
        ({"mode": "wrap"}, "'wrap'.*'reflect'"),
        ({"image": np.zeros((32, 32))}, r"give \(N, H, W, C\)"),
        ({"image": np.full((32, 32, 3), 200.0)}, "run from 200 to 200.*divide by 255"),
        ({"image": np.full((32, 32, 3), np.nan)}, "NaN"),
        ({"predict": lambda batch: batch[:, 4:-4, 4:-4]}, r"returned \(1, 40, 40, 3\).*padding='same'"),
    ],
)
def test_what_cannot_be_tiled_is_refused(parts, words):
    given = {"predict": lambda batch: batch, "image": np.zeros((32, 32, 3)), "tile": 16, "halo": 16} | parts
    with pytest.raises(ValueError, match=words):
        tiling.predict_tiled(**given)
