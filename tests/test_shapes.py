"""The data set: reproducible, its maps agree, and its silhouettes are what an independent drawing says."""

import dataclasses

import numpy as np
import pytest
from skimage import draw as skimage_draw

from tests.benchmarks import shapes_statistics
from utils import shapes

FIELDS = [field.name for field in dataclasses.fields(shapes.Samples)]
ALL_KINDS = shapes.KINDS + shapes.EXTRA_KINDS


def same(one, other):
    """True if two Samples hold the same bytes."""
    return all(getattr(one, f).tobytes() == getattr(other, f).tobytes() for f in FIELDS)


def joined(*parts):
    """Samples put together from parts."""
    return shapes.Samples(*(np.concatenate([getattr(part, f) for part in parts]) for f in FIELDS))


def scene(kind="disc", *, x=0.5, y=0.5, radius=0.3, angle=0.0, outlined=False):
    """A plan of one picture with one shape, no distractors, no texture and no noise."""
    plan = shapes.plan(1)
    plan.present[:] = [True, False, False, False]
    plan.kind[0, 0], plan.outlined[0, 0] = ALL_KINDS.index(kind), outlined
    plan.x[0, 0], plan.y[0, 0], plan.radius[0, 0], plan.angle[0, 0] = x, y, radius, angle
    plan.colour[0, 0], plan.ground[0], plan.line[0] = 1.0, 0.2, 0.05
    for part in (plan.slope, plan.waves, plan.lines, plan.specks, plan.noise):
        part[:] = 0
    return plan


# ---- The same seed, the same bytes -------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    assert same(shapes.draw(10, seed=3), shapes.draw(10, seed=3))
    assert not np.array_equal(shapes.draw(10, seed=3).images, shapes.draw(10, seed=4).images)


@pytest.mark.parametrize("level", shapes.LEVELS)
def test_drawn_in_parts_or_in_another_order_the_bytes_are_the_same(level):
    whole = shapes.draw(20, level=level)
    some = shapes.draw([7, 3], level=level)
    assert same(some, joined(whole[7:8], whole[3:4]))
    assert same(whole, joined(shapes.draw(12, level=level), shapes.draw(range(12, 20), level=level)))


def test_the_borders_of_chunks_leave_no_trace(monkeypatch):
    whole = shapes.draw(7, size=32)
    for pixels in (1, 2 * 32**2, 3 * 32**2):
        monkeypatch.setattr(shapes, "_CHUNK_PIXELS", pixels)
        assert same(shapes.draw(7, size=32), whole)


def test_no_picture_and_no_mask_is_in_two_splits():
    drawn = {split: shapes.draw(80, split=split) for split in shapes.SPLITS}
    for part in ("images", "masks"):
        contents = {split: {array.tobytes() for array in getattr(s, part)} for split, s in drawn.items()}
        assert len(set().union(*contents.values())) == sum(map(len, contents.values())) == 240


def test_drawing_touches_no_global_random_state():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    shapes.draw(2)
    assert np.array_equal(before, np.random.get_state()[1])


# ---- What a sample holds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", shapes.LEVELS)
def test_the_maps_agree_with_each_other_pixel_by_pixel(level):
    s = shapes.draw(120, level=level)
    assert s.images.shape == (120, 64, 64, 3) and s.images.dtype == np.float32
    assert s.masks.shape == (120, 64, 64, 1) and s.masks.dtype == np.uint8
    on = s.masks[..., 0] == 1
    assert set(np.unique(s.masks)) == {0, 1}
    for chart, highest in ((s.classes, len(shapes.KINDS)), (s.instances, 4), (s.styles, 2)):
        assert chart.shape == (120, 64, 64) and chart.dtype == np.uint8
        assert np.array_equal(chart > 0, on) and chart.max() <= highest
    for k in range(120):
        for instance in range(1, 5):
            here = s.instances[k] == instance
            if here.any():
                assert len(np.unique(s.classes[k][here])) == len(np.unique(s.styles[k][here])) == 1


def test_images_lie_in_0_to_1_and_are_multiples_of_1_255():
    images = shapes.draw(20, level="hard").images
    assert images.min() >= 0 and images.max() <= 1
    assert np.array_equal(images, np.rint(images * 255).astype(np.uint8).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("level", shapes.LEVELS.values(), ids=str)
def test_a_plan_keeps_to_its_level(level):
    plan = shapes.plan(300, level=level.name)
    for used, (fewest, most) in (
        (plan.present, level.shapes),
        (plan.lines[..., 7], level.lines),
        (plan.specks[..., 6], level.specks),
    ):
        counts = used.sum(axis=1).astype(int)
        assert set(counts) == set(range(fewest, most + 1)), "each number of them occurs, and no other"
    assert plan.radius.min() >= level.radius[0] - 1e-6 and plan.radius.max() <= level.radius[1] + 1e-6
    shift = np.abs(plan.colour - plan.ground[:, None]).max(axis=-1)[plan.present]
    weakest = min(level.contrast[0], 0.3)  # colours are cut to 0..1, and the ground lies in 0.3..0.7
    assert shift.min() >= weakest - 1e-5 and shift.max() <= level.contrast[1] + 1e-5


def test_levels_get_harder():
    easy, standard, hard = shapes.LEVELS.values()
    for setting in ("shapes", "texture", "noise", "lines", "specks"):
        assert getattr(easy, setting) <= getattr(standard, setting) <= getattr(hard, setting)
    assert easy.contrast > standard.contrast > hard.contrast


def test_kinds_and_styles_are_drawn_equally_often():
    plan = shapes.plan(1500)
    kinds = np.bincount(plan.kind[plan.present], minlength=len(ALL_KINDS)) / plan.present.sum()
    assert np.allclose(kinds[:5], 0.2, atol=0.04) and kinds[5] == 0
    assert abs(plan.outlined[plan.present].mean() - 0.5) < 0.05


def test_only_the_wanted_kinds_appear():
    s = shapes.draw(30, kinds=["star", "disc"])
    assert set(np.unique(s.classes)) == {0, 1, shapes.CLASS_NAMES.index("star")}
    assert set(np.unique(shapes.draw(5, kinds="ring").classes)) == {0, shapes.CLASS_NAMES.index("ring")}


# ---- Silhouettes against an independent drawing -----------------------------------------------------------------------


def polygon_mask(corners, size):
    """Brute force: a pixel is inside if its centre is, by scikit-image's polygon on (row, column) corners."""
    mask = np.zeros((size, size), np.uint8)
    rows, columns = skimage_draw.polygon(*(np.array(corners).T * size - 0.5), shape=mask.shape)
    mask[rows, columns] = 1
    return mask


def turned(points, angle, x, y, radius):
    """Points (x, y) of a unit shape, turned clockwise on the screen, scaled and moved, as (row, column)."""
    cos, sin = np.cos(angle), np.sin(angle)
    return [(y + radius * (sin * px + cos * py), x + radius * (cos * px - sin * py)) for px, py in points]


def on_circle(*degrees):
    return [(np.cos(np.radians(d)), np.sin(np.radians(d))) for d in degrees]


ARM, LONG = 0.33, 0.94
CORNERS = {
    "square": on_circle(45, 135, 225, 315),
    "triangle": on_circle(-90, 30, 150),
    "cross": [
        (ARM, LONG), (ARM, ARM), (LONG, ARM), (LONG, -ARM), (ARM, -ARM), (ARM, -LONG),
        (-ARM, -LONG), (-ARM, -ARM), (-LONG, -ARM), (-LONG, ARM), (-ARM, ARM), (-ARM, LONG),
    ],
    "star": [p for k in range(5) for p in ([(np.cos(a), np.sin(a)) for a in [2 * np.pi * (k + 0.5) / 5]]
             + [(0.45 * np.cos(a), 0.45 * np.sin(a)) for a in [2 * np.pi * (k + 1) / 5]])],
}  # fmt: skip


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.3, 2.9])
@pytest.mark.parametrize("kind", CORNERS)
def test_a_silhouette_with_corners_is_the_polygon(kind, angle):
    size, x, y, radius = 96, 0.47, 0.56, 0.311
    found = shapes.paint(scene(kind, x=x, y=y, radius=radius, angle=angle), size).masks[0, ..., 0]
    expected = polygon_mask(turned(CORNERS[kind], angle, x, y, radius), size)
    assert expected.sum() > 500
    assert np.sum(found != expected) <= 2, "only pixels whose centre lies on the edge may differ"


def test_a_disc_and_a_ring_are_the_discs_of_scikit_image():
    size, x, y, radius = 96, 0.47, 0.56, 0.311
    expected = {}
    for part, r in (("outer", radius), ("inner", radius / 2)):
        expected[part] = np.zeros((size, size), bool)
        expected[part][skimage_draw.disk((y * size - 0.5, x * size - 0.5), r * size, shape=(size, size))] = True
    disc, ring = (shapes.paint(scene(k, x=x, y=y, radius=radius), size).masks[0, ..., 0] for k in ("disc", "ring"))
    assert np.sum(disc != expected["outer"]) <= 2
    assert np.sum(ring != (expected["outer"] & ~expected["inner"])) <= 2


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_filled_or_outlined_the_silhouette_is_the_same_and_the_inside_shows_ground(kind):
    filled = shapes.paint(scene(kind, angle=0.2))
    outlined = shapes.paint(scene(kind, angle=0.2, outlined=True))
    assert np.array_equal(filled.masks, outlined.masks)
    assert set(np.unique(filled.styles)) == {0, 1} and set(np.unique(outlined.styles)) == {0, 2}
    on = filled.masks[0, ..., 0] == 1
    ground = np.float32(0.2)
    assert (filled.images[0][on] > 0.5).all()
    hollow = np.isclose(outlined.images[0], ground, atol=1e-6).all(axis=-1) & on
    assert 0.05 < hollow.sum() / on.sum() < 0.95, "part of the silhouette looks exactly like ground"


def test_edges_are_antialiased():
    image = shapes.paint(scene("disc")).images[0, ..., 0]
    between = (image > 0.21) & (image < 0.99)
    assert 60 < between.sum() < 240, "a border of about one pixel along a circle of 120 pixels"
    large = shapes.paint(scene("disc"), 256).images[0, ..., 0].reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.abs(image - large).max() < 0.25, "near to the mean of 4 x 4 finer pixels"


def test_the_later_shape_lies_on_top():
    plan = scene("square", radius=0.3)
    plan.present[0, 1], plan.kind[0, 1], plan.outlined[0, 1] = True, 0, True
    plan.x[0, 1], plan.y[0, 1], plan.radius[0, 1], plan.colour[0, 1] = 0.6, 0.6, 0.25, 0.7
    both = shapes.paint(plan)
    plan.present[0, 0] = False
    alone = shapes.paint(plan)
    later = alone.masks[0, ..., 0] == 1
    assert (both.instances[0][later] == 2).all() and (both.classes[0][later] == 1).all()
    assert (both.styles[0][later] == 2).all()
    assert set(np.unique(both.instances[0][~later])) == {0, 1}
    line = np.isclose(alone.images[0, ..., 0], 0.7, atol=2 / 255)
    assert line.sum() > 50 and np.allclose(both.images[0][line], alone.images[0][line])


def test_distractors_change_the_image_and_never_the_mask():
    plan = shapes.plan(60, level="hard")
    with_them = shapes.paint(plan)
    plan.lines[..., 7] = 0
    plan.specks[..., 6] = 0
    without = shapes.paint(plan)
    assert (with_them.images != without.images).any(axis=(1, 2, 3)).all(), "every picture of this level has distractors"
    for part in FIELDS[1:]:
        assert np.array_equal(getattr(with_them, part), getattr(without, part))


def test_ground_without_shapes_has_an_empty_mask():
    plan = shapes.plan(5)
    plan.present[:] = False
    assert not shapes.paint(plan).masks.any()


def test_a_larger_size_shows_the_same_scene():
    small, large = shapes.draw(20, size=64), shapes.draw(20, size=128)
    reduced = large.masks.reshape(20, 64, 2, 64, 2).mean(axis=(2, 4)) > 0.5
    assert np.mean(reduced == (small.masks[..., 0] == 1)) > 0.97


def test_the_card_holds_the_statistics_of_today():
    assert shapes_statistics.stored() == shapes_statistics.table(), "run: python -m tests.benchmarks.shapes_statistics"


# ---- Rows --------------------------------------------------------------------------------------------------------------


def test_rows_can_be_taken_by_number_slice_list_and_boolean():
    s = shapes.draw(6, size=16)
    assert len(s) == 6 and len(s[2]) == 1 and same(s[2], s[2:3]) and same(s[-1], s[5:6])
    assert same(s[[4, 0]], joined(s[4], s[0]))
    assert same(s[np.array([0, 1, 0, 0, 0, 1], bool)], joined(s[1], s[5]))
    plan = shapes.plan(6)
    assert len(plan) == 6 and len(plan[3]) == 1
    assert same(shapes.paint(plan[[4, 0]], 16), s[[4, 0]])


# ---- Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"count": 0}, ValueError, ["count is 0", "1 picture or more"]),
        ({"count": -3}, ValueError, ["count is -3"]),
        ({"count": 2.5}, TypeError, ["count is 2.5", "whole number"]),
        ({"count": "ten"}, TypeError, ["'ten'", "whole number"]),
        ({"count": []}, ValueError, ["No picture numbers"]),
        ({"count": [3, -1]}, ValueError, ["-1", "start at 0"]),
        ({"split": "testing"}, ValueError, ["'testing'", "'train'", "'validation'", "'test'"]),
        ({"level": "medium"}, ValueError, ["'medium'", "'easy'", "'standard'", "'hard'"]),
        ({"level": 2}, ValueError, ["level is 2", "'easy'"]),
        ({"kinds": ["disc", "hexagon"]}, ValueError, ["'hexagon'", "'disc'", "'star'"]),
        ({"kinds": []}, ValueError, ["No kinds", "'disc'"]),
        ({"size": 15}, ValueError, ["size is 15", "16 to 2048"]),
        ({"size": 4096}, ValueError, ["size is 4096", "16 to 2048"]),
        ({"size": 64.0}, TypeError, ["size is 64.0", "whole number"]),
        ({"seed": -1}, ValueError, ["seed is -1", "2**32 - 1"]),
        ({"seed": 2**32}, ValueError, [str(2**32)]),
        ({"seed": None}, TypeError, ["seed is None", "whole number"]),
    ],
)
def test_bad_input_is_named_and_so_is_what_is_allowed(arguments, error, words):
    with pytest.raises(error) as caught:
        shapes.draw(**{"count": 2, **arguments})
    for word in words:
        assert word in str(caught.value)
