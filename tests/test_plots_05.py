"""The figures of notebook 05: error maps pixel by pixel, and an animation that says what the output was."""

import io

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from utils import plots, shapes
from utils.plots import visualizing


def test_an_error_map_colours_every_pixel_by_its_kind():
    rng = np.random.default_rng(0)
    truth, mask = ((rng.random((6, 7, 1)) < 0.5).astype(np.uint8) for _ in range(2))
    picture = visualizing._error_picture(truth, mask)
    colours = {(1, 1): plots.FOUND, (1, 0): plots.MISSED, (0, 1): plots.INVENTED, (0, 0): "white"}
    for row, column in np.ndindex(6, 7):
        kind = int(truth[row, column, 0]), int(mask[row, column, 0])
        assert tuple(picture[row, column]) == pytest.approx(to_rgb(colours[kind]))


@pytest.fixture(scope="module")
def animation():
    samples = shapes.draw(3, size=32)
    output = np.random.default_rng(1).integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)
    data = plots.emerging_animation(samples.images, samples.masks, output, [0, 1, 3, 9, 27])
    return samples, output, Image.open(io.BytesIO(data))


def frame(animation, number):
    """Rows of pictures of one frame: float (3 rows, 3 pictures, 32, 32, 3), 0..1."""
    picture = animation[2]
    picture.seek(number)
    pixels = np.asarray(picture.convert("RGB"), float) / 255
    return np.array(
        [[pixels[70 * r : 70 * r + 64 : 2, 70 + 70 * c : 70 + 70 * c + 64 : 2] for c in range(3)] for r in range(3)]
    )


def test_the_animation_shows_image_truth_and_output_at_every_moment(animation):
    samples, output, picture = animation
    assert picture.is_animated and picture.format == "PNG" and picture.default_image
    assert picture.n_frames == 1 + 5
    viridis = matplotlib.colormaps["viridis"]
    for moment in range(5):
        images, truth, shown = frame(animation, 1 + moment)
        assert np.abs(images - samples.images).mean() < 0.03
        assert np.array_equal(truth, np.repeat(samples.masks, 3, axis=-1))
        assert np.abs(shown - viridis(output[moment] / 255)[..., :3]).max() < 0.05


def test_a_program_that_knows_no_animation_shows_the_last_moment(animation):
    assert np.array_equal(frame(animation, 0), frame(animation, 5))


def test_the_last_moment_stays_longest(animation):
    picture, durations = animation[2], []
    for number in range(1, 6):
        picture.seek(number)
        durations.append(picture.info["duration"])
    assert durations == [300, 300, 300, 300, 3000] and picture.info["loop"] == 0


def test_the_picture_of_a_cut_shows_the_output_that_belongs_to_it():
    images = shapes.draw(3, size=16).images
    outputs = {cut: np.full((3, 16, 16, 1), k / 5, np.float32) for k, cut in enumerate(visualizing._CUTS)}
    seen = {cut: plots.render(plots.skip_cut, images, outputs, cut=cut) for cut in outputs}
    assert len({png for png, _ in seen.values()}) == len({alt for _, alt in seen.values()}) == 6
    viridis = matplotlib.colormaps["viridis"]
    for k, (cut, (png, alt)) in enumerate(seen.items()):
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) / 255
        assert pixels.shape == (180, 900, 3)
        assert np.abs(pixels[100, 225] - viridis(k / 5)[:3]).max() < 0.02
        assert cut in alt.lower() or cut == "none"


def test_seams_are_marked_and_the_difference_is_shown():
    image, whole = np.zeros((32, 32, 3)), np.zeros((32, 32, 1), np.float32)
    tiled = whole.copy()
    tiled[:, 14:18] = 1
    png, alt = plots.render(plots.seams, image, whole, tiled, tile=16)
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) / 255
    low, high = (np.array(matplotlib.colormaps["viridis"](v)[:3]) for v in (0.0, 1.0))
    bright = [np.abs(pixels[:, k * 225 : (k + 1) * 225] - high).max(axis=-1).min(axis=0) < 0.05 for k in range(4)]
    assert [columns.any() for columns in bright] == [False, False, True, True]
    assert "difference" in alt
    unmarked, _ = plots.render(plots.seams, image, whole, tiled, tile=32)
    dark = np.asarray(Image.open(io.BytesIO(unmarked)).convert("RGB"))[60:160, 280:400] / 255
    assert (pixels[60:160, 280:400].min(axis=-1) > 0.9).any() and not (dark.min(axis=-1) > 0.9).any()
