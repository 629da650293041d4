"""Elastic deformation: the field against SciPy's splines, image and mask moved by the same field, no new values in a mask."""

import numpy as np
import pytest
from scipy import interpolate

from utils import elastic, shapes


@pytest.mark.parametrize(("grid", "shape"), [(3, (64, 64)), (3, (17, 30)), (4, (40, 25)), (2, (9, 9))])
def test_the_field_is_a_cubic_spline_in_each_direction(grid, shape):
    """A grid that is mirrored at its ends is interpolated by the cubic spline whose slope is 0 there."""
    coarse = np.random.default_rng(grid).normal(0, 5, (2, grid, grid))
    field = elastic.interpolate(coarse, shape)
    knots = np.arange(grid)
    for part, values in zip(field, coarse):
        for axis, side in enumerate(shape):
            spline = interpolate.CubicSpline(knots, values, axis=axis, bc_type="clamped")
            values = spline(np.linspace(0, grid - 1, side))
        assert np.allclose(part, values, atol=1e-4)
    assert field.dtype == np.float32 and field.shape == (2, *shape)


def test_the_field_passes_through_its_grid():
    coarse = np.random.default_rng(0).normal(0, 5, (2, 3, 3))
    field = elastic.interpolate(coarse, (65, 33))
    assert np.allclose(field[:, ::32, ::16], coarse, atol=1e-4)


def test_vectors_have_the_deviation_and_no_direction():
    drawn = np.array([elastic.field((5, 5), seed, deviation=4)[:, ::2, ::2] for seed in range(400)])
    assert drawn.std() == pytest.approx(4, rel=0.05) and abs(drawn.mean()) < 0.15
    assert abs(np.corrcoef(drawn[:, 0].ravel(), drawn[:, 1].ravel())[0, 1]) < 0.05


def test_the_same_seed_gives_the_same_field():
    assert np.array_equal(elastic.field((8, 9), 3), elastic.field((8, 9), 3))
    assert not np.array_equal(elastic.field((8, 9), 3), elastic.field((8, 9), 4))


def test_ten_pixels_of_the_paper():
    assert elastic.paper_deviation(512) == 10 and elastic.paper_deviation(64) == 1.25


@pytest.fixture(scope="module")
def pair():
    drawn = shapes.draw(1)
    return drawn.images[0], drawn.masks[0]


def test_no_displacement_changes_nothing(pair):
    image, mask = elastic.deform(*pair, np.zeros((2, 64, 64)))
    assert np.allclose(image, pair[0], atol=1e-5) and np.array_equal(mask, pair[1])


def test_the_mask_takes_the_nearest_pixel_and_mirrors_at_the_sides(pair):
    field = elastic.field((64, 64), 7, deviation=9)
    mask = elastic.deform(*pair, field)[1]
    for y, x in np.ndindex(64, 64):
        places = np.array([y, x]) + field[:, y, x]
        if (abs(places % 1 - 0.5) < 1e-3).any():
            continue  # halfway between two pixels
        v, u = (abs(round(p)) if round(p) < 64 else 126 - round(p) for p in places.tolist())
        assert mask[y, x] == pair[1][v, u]
    assert mask.dtype == pair[1].dtype


def test_image_and_mask_move_together(pair):
    """A mask that stands in for the image, so both can be compared."""
    field = elastic.field((64, 64), 2, deviation=5)
    image, mask = elastic.deform(pair[1].astype(np.float32), pair[1], field)
    assert ((image > 0.5) == mask).mean() > 0.995
    wrong_way = elastic.deform(pair[1].astype(np.float32), pair[1], -field)[0]
    assert ((wrong_way > 0.5) == mask).mean() < 0.98


def test_a_shift_by_whole_pixels_is_a_shift(pair):
    field = np.stack([np.full((64, 64), 3), np.full((64, 64), -5)])
    image, mask = elastic.deform(*pair, field)
    assert np.allclose(image[:61, 5:], pair[0][3:, :59], atol=1e-5)
    assert np.array_equal(mask[:61, 5:], pair[1][3:, :59])


@pytest.mark.parametrize("seed", range(5))
def test_values_stay_what_they_may_be(seed):
    drawn = shapes.draw(1, seed=seed)
    field = elastic.field((64, 64), seed, deviation=12)
    image, classes = elastic.deform(drawn.images[0], drawn.classes[0][..., None], field)
    assert image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1
    assert set(np.unique(classes)) <= set(np.unique(drawn.classes))


def test_copies_come_after_the_originals_and_differ():
    drawn = shapes.draw(3)
    images, masks = elastic.copies(drawn.images, drawn.masks, 4, deviation=4)
    assert images.shape == (12, 64, 64, 3) and masks.shape == (12, 64, 64, 1) and images.dtype == np.float32
    assert np.array_equal(images[:3], drawn.images) and np.array_equal(masks[:3], drawn.masks)
    assert len(np.unique(masks[[0, 3, 6, 9]], axis=0)) == 4
    overlap = [(masks[k] & masks[0]).sum() / (masks[k] | masks[0]).sum() for k in (3, 6, 9)]
    assert min(overlap) > 0.5, "copy k belongs to picture k modulo 3"
    again = elastic.copies(drawn.images, drawn.masks, 4, deviation=4)[0]
    assert np.array_equal(images, again)
    assert len(elastic.copies(drawn.images, drawn.masks, 1)[0]) == 3


def test_folds_are_found():
    still, slope = np.zeros((2, 20, 20)), np.zeros((2, 20, 20))
    assert elastic.folds(still) == 0
    slope[1] = -2.0 * np.arange(20)  # the picture runs backwards along x
    assert elastic.folds(slope) == 1
    slope[0] = -2.0 * np.arange(20)[:, None]  # turned by half a turn: nothing is inside out
    assert elastic.folds(slope) == 0
    rows, columns = np.indices((20, 20))
    assert elastic.folds(np.stack([columns - rows, -rows - columns])) == 0, "a quarter turn folds nothing"
    assert elastic.folds(elastic.field((64, 64), 0, deviation=1.25)) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: elastic.field((8, 8), deviation=-1), "deviation is -1"),
        (lambda: elastic.field((8, 8), grid=1), "grid is 1"),
        (lambda: elastic.field((8, 1)), "2 pixels"),
        (lambda: elastic.interpolate(np.zeros((3, 3, 3)), (8, 8)), "coarse has shape"),
        (lambda: elastic.deform(np.zeros((8, 8)), np.zeros((8, 8, 1)), np.zeros((2, 8, 8))), "channels"),
        (lambda: elastic.deform(np.zeros((8, 8, 3)), np.zeros((8, 8, 1)), np.zeros((2, 8, 9))), "same height"),
        (lambda: elastic.copies(np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 1)), 0), "count is 0"),
    ],
)
def test_what_cannot_be_deformed_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
