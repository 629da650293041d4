"""From arrays to batches: shuffled, turned together with their masks, repeatable; and pictures bent, cropped, stretched."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import interpolate

from utils import folders, pipeline, shapes

SAMPLES, IMAGE_AND_LABELS = shapes.draw(26, size=32), folders.nuclei()
PAIR = shapes.draw(1).images[0], shapes.draw(1).masks[0]
CELLS = [[one] for one in IMAGE_AND_LABELS]
BARE = {"bend": 0, "zoom": 1, "light": 0}


def epoch(data):
    """All images and masks of one pass through the data."""
    images, masks = zip(*((image.numpy(), mask.numpy()) for image, mask in data))
    return np.concatenate(images), np.concatenate(masks)


def contents(arrays):
    return sorted(np.ascontiguousarray(array).tobytes() for array in arrays)


def test_without_shuffle_every_picture_comes_once_in_order():
    data = pipeline.dataset(SAMPLES.images, SAMPLES.masks)
    images, masks = epoch(data)
    assert np.array_equal(images, SAMPLES.images) and np.array_equal(masks, SAMPLES.masks)
    assert images.dtype == masks.dtype == np.float32
    assert [len(image) for image, _ in data] == [8, 8, 8, 2] and len(data) == 4


def test_shuffled_batches_are_full_and_have_a_fixed_shape():
    data = pipeline.dataset(SAMPLES.images, SAMPLES.masks, shuffle=True, augment=True)
    assert [spec.shape for spec in data.element_spec] == [(8, 32, 32, 3), (8, 32, 32, 1)]
    assert len(data) == 3 and len(epoch(data)[0]) == 24
    assert data.repeat(2).options().autotune.enabled is False, "no thread can hold up the end of an epoch"
    few = pipeline.dataset(SAMPLES.images[:3], SAMPLES.masks[:3], shuffle=True)
    assert len(few) == 1 and len(epoch(few)[0]) == 3, "a batch is no larger than the data"


def test_shuffling_mixes_pictures_not_batches_and_keeps_each_with_its_mask():
    data = pipeline.dataset(SAMPLES.images, SAMPLES.masks, shuffle=True, drop_remainder=False)
    mask_of = {image.tobytes(): mask for image, mask in zip(SAMPLES.images, SAMPLES.masks)}
    (images, masks), (later, _) = epoch(data), epoch(data)
    assert contents(images) == contents(later) == contents(SAMPLES.images)
    assert all(np.array_equal(mask_of[image.tobytes()], mask) for image, mask in zip(images, masks))
    first = set(contents(SAMPLES.images[:8]))
    assert 0 < len(first & set(contents(images[:8]))) < 8 and not np.array_equal(images, later)


@pytest.mark.parametrize("settings", [{"shuffle": True}, {"augment": True}])
def test_the_same_seed_gives_the_same_epochs_and_no_epoch_equals_another(settings):
    one, again, other = (pipeline.dataset(SAMPLES.images, SAMPLES.masks, seed=s, **settings) for s in (5, 5, 6))
    epochs = [epoch(one)[0] for _ in range(3)]
    for images in epochs:
        assert np.array_equal(images, epoch(again)[0])
    assert not any(np.array_equal(epochs[0], one) for one in (epochs[1], epochs[2], epoch(other)[0]))


def test_the_order_and_the_turns_are_what_they_were():
    """Pictures with one bright pixel, which tells the picture by its value and the turn by its place."""
    images = np.zeros((6, 4, 4, 1), np.float32)
    images[:, 0, 1, 0] = np.arange(1, 7) / 8
    keras.utils.set_random_seed(3)
    data = pipeline.dataset(images, images > 0, batch_size=3, shuffle=True, augment=True, seed=5)
    found = [epoch(data)[0].reshape(6, 16) for _ in range(2)]
    assert [(8 * one.max(axis=1)).tolist() for one in found] == [[1, 3, 4, 2, 6, 5], [6, 1, 4, 2, 5, 3]]
    assert [one.argmax(axis=1).tolist() for one in found] == [[2, 11, 4, 4, 8, 2], [13, 13, 11, 1, 2, 7]]


def test_class_numbers_and_weights_turn_with_the_picture():
    labels = np.random.default_rng(0).integers(0, 4, (12, 8, 8, 1)).astype(np.uint8)
    images, weights = (labels / 4).astype(np.float32), (labels * 10).astype(np.float32)
    data = pipeline.dataset(images, labels, classes=4, weights=weights, batch_size=4, shuffle=True, augment=True)
    for image, mask, weight in data:
        assert np.array_equal(image * 4, mask) and np.array_equal(mask * 10, weight) and weight.shape == (4, 8, 8, 1)


def test_only_square_pictures_can_be_turned():
    with pytest.raises(ValueError, match="24 x 32.*square.*augment=False"):
        pipeline.dataset(SAMPLES.images[:, :24], SAMPLES.masks[:, :24], augment=True)


def eight(array):
    """The eight positions of a square: quarter turns, then those of the square mirrored along its diagonal."""
    return [np.rot90(square, k) for square in (array, np.transpose(array, (1, 0, 2))) for k in range(4)]


def test_augment_moves_image_and_mask_alike_into_the_position_that_the_seed_draws():
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    mask = (image[..., :1] > 0.5).astype(np.uint8)
    for number in range(40):
        new_image, new_mask = (array.numpy() for array in pipeline.augment(image, mask, [1, number]))
        position = int(tf.random.stateless_uniform([], [1, number], 0, 8, tf.int32))
        assert np.array_equal(new_image, eight(image)[position]) and new_image.dtype == new_mask.dtype == np.float32
        assert np.array_equal(new_mask, eight(mask)[position])


@pytest.mark.parametrize(("grid", "shape"), [(3, (64, 64)), (3, (17, 30)), (4, (40, 25)), (2, (9, 9))])
def test_the_field_is_a_cubic_spline_in_each_direction(grid, shape):
    """A grid that is mirrored at its ends is interpolated by the cubic spline whose slope is 0 there."""
    coarse = np.random.default_rng(grid).normal(0, 5, (2, grid, grid))
    field = pipeline.interpolate_field(coarse, shape)
    for part, values in zip(field, coarse):
        for axis, side in enumerate(shape):
            spline = interpolate.CubicSpline(np.arange(grid), values, axis=axis, bc_type="clamped")
            values = spline(np.linspace(0, grid - 1, side))
        assert np.allclose(part, values, atol=1e-4)
    assert field.dtype == np.float32 and field.shape == (2, *shape)


def test_the_vectors_of_the_grid_are_normal_and_follow_from_the_seed():
    field = pipeline.displacement_field((5, 5), 3, deviation=4)
    assert np.allclose(field[:, ::2, ::2], np.random.default_rng(3).normal(0, 4, (2, 3, 3)), atol=1e-5)
    assert np.allclose(pipeline.displacement_field((5, 5), 3), 2.5 * field, atol=1e-5), "10 pixels unless asked"
    assert pipeline.paper_deviation(512) == 10 and pipeline.paper_deviation(64) == 1.25


def test_the_mask_takes_the_nearest_pixel_and_mirrors_at_the_sides():
    field = pipeline.displacement_field((64, 64), 7, deviation=9)
    mask = pipeline.deform(*PAIR, field)[1]
    for y, x in np.ndindex(64, 64):
        places = np.array([y, x]) + field[:, y, x]
        if (abs(places % 1 - 0.5) < 1e-3).any():
            continue  # halfway between two pixels
        v, u = (abs(round(p)) if round(p) < 64 else 126 - round(p) for p in places.tolist())
        assert mask[y, x] == PAIR[1][v, u]
    assert mask.dtype == PAIR[1].dtype


def test_image_and_mask_move_together_by_whole_pixels_exactly_and_in_between_as_a_cubic():
    field = pipeline.displacement_field((64, 64), 2, deviation=5)
    image, mask = pipeline.deform(PAIR[1].astype(np.float32), PAIR[1], field)
    assert ((image > 0.5) == mask).mean() > 0.995
    image, mask = pipeline.deform(*PAIR, np.stack([np.full((64, 64), 3), np.full((64, 64), -5)]))
    assert np.allclose(image[:61, 5:], PAIR[0][3:, :59], atol=1e-5)
    assert np.array_equal(mask[:61, 5:], PAIR[1][3:, :59])
    x = np.arange(64) / 64
    image, _ = pipeline.deform(np.tile(x**3, (64, 1))[..., None], PAIR[1], np.full((2, 64, 64), 0.5))
    assert np.allclose(image[20, 20:44, 0], (x + 0.5 / 64)[20:44] ** 3, atol=1e-5)


def test_copies_come_after_the_originals_and_differ():
    drawn = shapes.draw(3)
    images, masks = pipeline.elastic_copies(drawn.images, drawn.masks, 4, deviation=4)
    assert images.shape == (12, 64, 64, 3) and masks.shape == (12, 64, 64, 1) and images.dtype == np.float32
    assert np.array_equal(images[:3], drawn.images) and np.array_equal(masks[:3], drawn.masks)
    assert images.min() >= 0 and images.max() <= 1 and set(np.unique(masks)) == {0, 1}
    assert len(np.unique(masks[[0, 3, 6, 9]], axis=0)) == 4
    overlap = [(masks[k] & masks[0]).sum() / (masks[k] | masks[0]).sum() for k in (3, 6, 9)]
    assert min(overlap) > 0.5, "copy k belongs to picture k modulo 3"
    assert np.array_equal(images, pipeline.elastic_copies(drawn.images, drawn.masks, 4, deviation=4)[0])
    assert len(pipeline.elastic_copies(drawn.images, drawn.masks, 1)[0]) == 3


def test_folding_is_found():
    rows, columns = np.indices((20, 20))
    turns = {
        "half": (-2 * rows, -2 * columns),
        "quarter": (columns - rows, -rows - columns),
        "none": (0 * rows, 0 * rows),
    }
    assert [pipeline.folding_share(np.stack(field)) for field in turns.values()] == [0, 0, 0]
    assert pipeline.folding_share(np.stack([0 * rows, -2 * columns])) == 1, "the picture runs backwards along x"


def test_stretching():
    image, _ = IMAGE_AND_LABELS
    picture, bottom, top = pipeline.stretch(image), *np.percentile(image.astype(float), [1, 99.5])
    for place in ((10, 20), (200, 300), (66, 470)):
        assert picture[place] == pytest.approx(
            np.sqrt(np.clip((image[place] - bottom) / (top - bottom), 0, 1)), abs=1e-6
        )
    assert picture.dtype == np.float32 and picture.min() == 0 and picture.max() == 1
    assert np.allclose(pipeline.stretch(image * 40 + 7), picture, atol=1e-5), "brightness and contrast do not matter"


def crop_window(size, margin, rng):
    """The first window that crops of the nuclei are cut from."""
    rng.choice(1, p=[1.0])
    side = size + 2 * margin
    row, column = rng.integers(512 - size + 1), rng.integers(512 - size + 1)
    return [np.pad(one, margin, mode="reflect")[row : row + side, column : column + side] for one in IMAGE_AND_LABELS]


def test_bare_crops_are_windows_of_the_picture():
    image, labels = crop_window(32, 0, np.random.default_rng(3))
    crops, maps = pipeline.random_crops(*CELLS, 1, size=32, seed=3, **BARE)
    assert np.allclose(crops[0], np.stack(3 * [image], -1), atol=1e-6) and np.array_equal(maps[0], labels)
    assert crops.dtype == np.float32 and maps.dtype == np.int32
    small = [[one[0][:32, :32]] for one in CELLS]
    assert np.array_equal(pipeline.random_crops(*small, 2, size=32, **BARE)[1][1], small[1][0])


def test_crops_come_from_all_pictures_by_their_size():
    small, large = np.zeros((32, 32)), np.ones((96, 96))
    images, _ = pipeline.random_crops([small, large], [small.astype(int), large.astype(int)], 200, size=16, light=0)
    assert 0.84 < images.mean(axis=(1, 2, 3)).mean() < 0.96


def test_a_turn_keeps_the_centre_and_zooms_within_its_limit():
    for seed in range(20):
        field = pipeline._turn_and_zoom(33, np.random.default_rng(seed), 1.5)
        assert np.allclose(field[:, 16, 16], 0) and pipeline.folding_share(field) == 0
        step = field[:, 16, 17] + (0, 1)  # where the neighbour to the right looks, seen from the centre
        assert 1 / 1.5 - 1e-6 <= np.hypot(*step) <= 1.5 + 1e-6


def test_zoom_and_bend_and_light_have_an_effect_of_their_own():
    plain = pipeline.random_crops(*CELLS, 2, **BARE)
    for change in ({"bend": 4}, {"zoom": 1.3}, {"light": 0.3}):
        images, labels = pipeline.random_crops(*CELLS, 2, **BARE | change)
        assert not np.array_equal(images, plain[0]) and np.array_equal(labels, plain[1]) == ("light" in change)
    grey = np.full((64, 64), 0.5)
    images, _ = pipeline.random_crops([grey], [grey.astype(int)], 200, size=16, **BARE | {"light": 0.2})
    assert 0.4 <= images.min() < 0.42 and 0.58 < images.max() <= 0.6, "light keeps to its share"


def test_bent_and_turned_crops_use_the_deformation_of_the_series():
    """Without light a crop is the middle of what ``deform`` makes of a padded window."""
    rng = np.random.default_rng(5)
    window = [array[..., None] for array in crop_window(64, 32, rng)]
    field = pipeline.displacement_field((128, 128), rng, deviation=2.0)
    image, labels = pipeline.deform(*window, field + pipeline._turn_and_zoom(128, rng, 1.2))
    crops, maps = pipeline.random_crops(*CELLS, 1, seed=5, light=0)
    assert np.allclose(crops[0, ..., 0], image[32:-32, 32:-32, 0], atol=1e-6) and maps.max() > 0
    assert np.array_equal(maps[0], labels[32:-32, 32:-32, 0])
