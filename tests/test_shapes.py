"""The pictures: the same seed gives the same bytes, all maps agree, and silhouettes are what an independent drawing says."""

import dataclasses
import functools
import zlib

import numpy as np
import pytest
from skimage import draw as skimage_draw

from scripts import shapes_statistics
from utils import shapes

FIELDS = [field.name for field in dataclasses.fields(shapes.Samples)]
ALL_KINDS = shapes.KINDS + shapes.EXTRA_KINDS
MAPS = FIELDS[1:]


def same(one, other):
    return all(getattr(one, f).tobytes() == getattr(other, f).tobytes() for f in FIELDS)


def joined(*parts):
    return shapes.Samples(*(np.concatenate([getattr(part, f) for part in parts]) for f in FIELDS))


def scene(kind="disc", *, x=0.5, y=0.5, radius=0.3, angle=0.0, outlined=False):
    """A plan of one picture with one shape, no distractors, no texture and no noise."""
    plan = shapes.plan(1)
    plan.present[:] = [True, False, False, False]
    plan.kind[0, 0], plan.outlined[0, 0] = ALL_KINDS.index(kind), outlined
    plan.x[0, 0], plan.y[0, 0], plan.radius[0, 0], plan.angle[0, 0] = x, y, radius, angle
    plan.colour[0, 0], plan.background[0], plan.line[0] = 1.0, 0.2, 0.05
    for part in (plan.slope, plan.waves, plan.lines, plan.specks, plan.noise):
        part[:] = 0
    return plan


DRAWN = {
    "easy": (functools.partial(shapes.draw, 8, level="easy"), 424804463, 0.505485),
    "standard": (functools.partial(shapes.draw, 8, seed=5, split="validation"), 831605502, 0.571380),
    "hard": (functools.partial(shapes.draw, 8, split="test", level="hard", size=48), 1089227553, 0.495127),
    "stars": (functools.partial(shapes.draw, 4, kinds="star"), 2036501924, 0.487475),
    "touching": (functools.partial(shapes.draw_touching, 4, seed=2), 3747513888, 0.509693),
    "large scene": (functools.partial(shapes.draw_scene, 2, seed=2), 2884309083, 0.576508),
    "classes": (functools.partial(shapes.draw_classes, 8, seed=2), 93286771, 0.490335),
    "overlaps": (functools.partial(shapes.draw_classes, 8, outlined=True, overlap=True), 1053851688, 0.507342),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_pictures_are_what_they_were(name):
    draw, checksum, brightness = DRAWN[name]
    drawn = draw()
    assert zlib.crc32(b"".join(getattr(drawn, f).tobytes() for f in MAPS)) == checksum
    assert drawn.images.mean(dtype=float) == pytest.approx(brightness, abs=2e-6)


@pytest.mark.parametrize("draw", [shapes.draw, shapes.draw_touching, shapes.draw_classes])
def test_drawn_in_parts_or_in_another_order_the_bytes_are_the_same(draw):
    whole = draw(20, split="test", seed=5)
    assert same(draw([7, 3], split="test", seed=5), joined(whole[7:8], whole[3:4]))
    assert same(whole, joined(draw(12, split="test", seed=5), draw(range(12, 20), split="test", seed=5)))
    assert not np.array_equal(draw(20, split="test", seed=6).images, whole.images)


def test_no_picture_and_no_mask_is_in_two_splits():
    drawn = [shapes.draw(80, split=split) for split in shapes.SPLITS]
    for part in ("images", "masks"):
        assert len({array.tobytes() for samples in drawn for array in getattr(samples, part)}) == 240


@pytest.mark.parametrize("level", shapes.LEVELS)
def test_the_maps_agree_with_each_other_pixel_by_pixel(level):
    s = shapes.draw(60, level=level)
    assert s.images.shape == (60, 64, 64, 3) and s.images.dtype == np.float32
    assert s.masks.shape == (60, 64, 64, 1) and s.masks.dtype == np.uint8
    assert set(np.unique(s.masks)) == {0, 1} and s.images.min() >= 0 and s.images.max() <= 1
    assert np.array_equal(s.images, np.rint(s.images * 255).astype(np.uint8).astype(np.float32) / np.float32(255))
    for chart, highest in ((s.classes, len(shapes.KINDS)), (s.instances, 4), (s.styles, 2)):
        assert chart.shape == (60, 64, 64) and chart.dtype == np.uint8 and chart.max() <= highest
        assert np.array_equal(chart > 0, s.masks[..., 0] == 1)
    plan = shapes.plan(60, level=level)
    for k, slot in zip(*np.nonzero(plan.present)):
        here = s.instances[k] == slot + 1
        assert (s.classes[k][here] == plan.kind[k, slot] + 1).all()
        assert (s.styles[k][here] == plan.outlined[k, slot] + 1).all()


def test_noise_has_its_standard_deviation_and_comes_anew_in_every_picture():
    plan = shapes.plan(2)
    plan.present[:], plan.slope[:], plan.waves[:], plan.lines[:], plan.specks[:] = False, 0, 0, 0, 0
    plan.background[:], plan.noise[:] = 0.5, 0.1
    noise = shapes.paint(plan).images - 0.5
    assert noise.std() == pytest.approx(0.1, rel=0.02) and abs(noise.mean()) < 0.003
    assert abs(np.corrcoef(*noise.reshape(2, -1))[0, 1]) < 0.03


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
    assert level.radius[0] <= plan.radius.min() + 1e-6 and plan.radius.max() <= level.radius[1] + 1e-6
    shift = np.abs(plan.colour - plan.background[:, None]).max(axis=-1)[plan.present]
    weakest = min(level.contrast[0], 0.3)  # colours are cut to 0..1, and the background lies in 0.3..0.7
    assert shift.min() >= weakest - 1e-5 and shift.max() <= level.contrast[1] + 1e-5
    assert (plan.noise == np.float32(level.noise)).all() and (plan.line == np.float32(level.line)).all()
    kinds = np.bincount(plan.kind[plan.present], minlength=6) / plan.present.sum()
    assert np.allclose(kinds, [0.2] * 5 + [0], atol=0.08) and abs(plan.outlined[plan.present].mean() - 0.5) < 0.1


def test_rows_can_be_taken_by_number_slice_list_and_boolean():
    s, plan = shapes.draw(6, size=16, kinds=["star", "disc"]), shapes.plan(6, kinds=["star", "disc"])
    assert len(s) == len(plan) == 6 and len(s[2]) == 1 and same(s[2], s[2:3]) and same(s[-1], s[5:6])
    assert same(s[[4, 0]], joined(s[4], s[0])) and same(shapes.paint(plan[[4, 0]], 16), s[[4, 0]])
    assert same(s[np.array([0, 1, 0, 0, 0, 1], bool)], joined(s[1], s[5]))
    assert [one.masks.shape for one in s] == 6 * [(1, 16, 16, 1)] and set(np.unique(s.classes)) == {0, 1, 6}


def test_the_card_holds_the_statistics_of_today():
    assert shapes_statistics.table() in shapes_statistics.CARD.read_text(encoding="utf-8")


def polygon_mask(points, angle, x, y, radius, size):
    """The polygon of scikit-image, whose pixels are inside if their centres are: points turned, scaled and moved."""
    cos, sin = np.cos(angle), np.sin(angle)
    corners = [(y + radius * (sin * px + cos * py), x + radius * (cos * px - sin * py)) for px, py in points]
    return skimage_draw.polygon2mask((size, size), np.array(corners) * size - 0.5)


def on_circle(*degrees, radius=1):
    return [(radius * np.cos(np.radians(d)), radius * np.sin(np.radians(d))) for d in degrees]


ARM, LONG = 0.33, 0.94
CORNERS = {
    "square": on_circle(45, 135, 225, 315),
    "triangle": on_circle(-90, 30, 150),
    "cross": [
        (ARM, LONG), (ARM, ARM), (LONG, ARM), (LONG, -ARM), (ARM, -ARM), (ARM, -LONG),
        (-ARM, -LONG), (-ARM, -ARM), (-LONG, -ARM), (-LONG, ARM), (-ARM, ARM), (-ARM, LONG),
    ],
    "star": [point for k in range(5) for point in on_circle(36 + 72 * k) + on_circle(72 + 72 * k, radius=0.45)],
}  # fmt: skip
PLACES = [(0.47, 0.56, 0.311), (0.06, 0.9, 0.25)]  # in the picture, and cut off at a corner


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.9])
@pytest.mark.parametrize("kind", CORNERS)
def test_a_silhouette_with_corners_is_the_polygon(kind, angle):
    for x, y, radius in PLACES:
        found = shapes.paint(scene(kind, x=x, y=y, radius=radius, angle=angle), 96).masks[0, ..., 0]
        expected = polygon_mask(CORNERS[kind], angle, x, y, radius, 96)
        assert expected.sum() > 200
        assert np.sum(found != expected) <= 2, "only pixels whose centre lies on the edge may differ"


def test_a_disc_and_a_ring_are_the_discs_of_scikit_image():
    for x, y, radius in PLACES:
        outer, inner = np.zeros((2, 96, 96), bool)
        for part, r in ((outer, radius), (inner, radius / 2)):
            part[skimage_draw.disk((y * 96 - 0.5, x * 96 - 0.5), r * 96, shape=part.shape)] = True
        disc, ring = (shapes.paint(scene(k, x=x, y=y, radius=radius), 96).masks[0, ..., 0] for k in ("disc", "ring"))
        assert np.sum(disc != outer) <= 2 and np.sum(ring != (outer & ~inner)) <= 2


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_filled_or_outlined_the_silhouette_is_the_same_and_the_inside_shows_background(kind):
    filled, outlined = (shapes.paint(scene(kind, angle=0.2, outlined=style)) for style in (False, True))
    assert np.array_equal(filled.masks, outlined.masks)
    assert set(np.unique(filled.styles)) == {0, 1} and set(np.unique(outlined.styles)) == {0, 2}
    on = filled.masks[0, ..., 0] == 1
    assert (filled.images[0][on] > 0.5).all()
    hollow = np.isclose(outlined.images[0], 0.2, atol=1e-6).all(axis=-1) & on
    assert 0.05 < hollow.sum() / on.sum() < 0.95, "part of the silhouette looks exactly like background"


def test_an_outline_is_as_thick_as_its_line():
    image = shapes.paint(scene("disc", radius=0.4, outlined=True), 200).images[0, ..., 0]
    covered = (image.mean() - 0.2) / 0.8
    assert covered == pytest.approx(np.pi * (0.4**2 - 0.35**2), rel=0.01)


def test_the_later_shape_lies_on_top():
    plan = scene("square", radius=0.3)
    plan.present[0, 1], plan.kind[0, 1], plan.outlined[0, 1] = True, 0, True
    plan.x[0, 1], plan.y[0, 1], plan.radius[0, 1], plan.colour[0, 1] = 0.6, 0.6, 0.25, 0.7
    both, alone = (
        shapes.paint(dataclasses.replace(plan, present=plan.present & keep)) for keep in (True, [[0, 1, 0, 0]])
    )
    later = alone.masks[0, ..., 0] == 1
    for chart, value in ((both.instances, 2), (both.classes, 1), (both.styles, 2)):
        assert (chart[0][later] == value).all() and set(np.unique(chart[0][~later])) != {0}
    line = np.isclose(alone.images[0, ..., 0], 0.7, atol=2 / 255)
    assert line.sum() > 50 and np.allclose(both.images[0][line], alone.images[0][line])


def test_distractors_change_the_image_and_never_the_mask():
    plan = shapes.plan(30, level="hard")
    with_them = shapes.paint(plan)
    plan.lines[..., 7] = plan.specks[..., 6] = 0
    without = shapes.paint(plan)
    assert (with_them.images != without.images).any(axis=(1, 2, 3)).all(), "every picture of this level has distractors"
    assert all(np.array_equal(getattr(with_them, part), getattr(without, part)) for part in MAPS)
    plan.present[:] = False
    assert not shapes.paint(plan).masks.any()


def test_a_distractor_line_and_a_speck_lie_where_the_plan_says():
    plan = scene()
    plan.present[:] = False
    plan.lines[0, 0] = [0.3, 0.6, 0.5, 0.2, 1, 0, 0.2, 1]  # centre (0.3, 0.6), 0.4 long, line / 2 thick, red
    plan.specks[0, 0] = [0.8, 0.2, 0.1, 0.2, 1, 1, 1]
    image = shapes.paint(plan, 200).images[0]
    corners = [(0.2, 0.0125), (0.2, -0.0125), (-0.2, -0.0125), (-0.2, 0.0125)]
    line = polygon_mask(corners, 0.5, 0.3, 0.6, 1, 200)
    assert np.sum((image[..., 0] > 0.6) != line) <= 6
    speck = np.zeros((200, 200), bool)
    speck[skimage_draw.disk((39.5, 159.5), 20)] = True
    assert np.sum((image[..., 2] > 0.6) != speck) <= 6


def test_touching_discs_meet_and_stay_within_the_picture():
    drawn = shapes.draw_touching(20, seed=1)
    assert drawn.images.shape == (20, 64, 64, 3) and set(np.unique(drawn.classes)) == {0, 1} and drawn.styles.max() == 1
    for labels in drawn.instances:
        assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
        assert not (labels[0].any() or labels[-1].any() or labels[:, 0].any() or labels[:, -1].any())
        places = [np.argwhere(labels == number) for number in range(1, 5)]
        for one, here in enumerate(places):
            others = np.concatenate([places[k] for k in range(4) if k != one])
            assert np.hypot(*(here[:, None] - others).T).min() < 4


def test_a_large_scene_has_no_joints_and_shapes_of_the_trained_size():
    drawn = shapes.draw_scene(2, seed=4)
    assert drawn.images.shape == (1, 256, 256, 3) and drawn.masks.shape == (1, 256, 256, 1)
    assert drawn.instances.shape == (1, 256, 256) and set(np.unique(drawn.instances)) == {0, 1, 2, 3, 4}
    assert not drawn.masks[0, 126:130].any() and not drawn.masks[0, :, 126:130].any()
    widths = [np.ptp(np.nonzero(drawn.instances[0, :128, :128] == k)[1]) for k in (3, 4)]
    assert 2 * 0.2 * 64 < max(widths) <= 2 * 0.36 * 64 + 2
    block = shapes.plan(4, split="test", seed=4).kind[1]
    assert set(np.unique(drawn.classes[0, :128, 128:])) == {0, *block + 1}, "blocks stand row by row"


@pytest.mark.parametrize("level", ["standard", "hard"])
def test_shapes_that_meet_an_earlier_one_are_left_out_and_no_others(level):
    free, whole = (shapes.plan_classes(200, level=level, overlap=overlap) for overlap in (True, False))
    assert free.present[:, 1].all() and (free.present.sum() - whole.present.sum()) > 10
    for k in range(200):
        kept = []
        for slot in np.flatnonzero(free.present[k]):
            x, y, radius = free.x[k, slot], free.y[k, slot], free.radius[k, slot]
            if all(np.hypot(x - a, y - b) > radius + r for a, b, r in kept):
                kept.append((x, y, radius))
            assert whole.present[k, slot] == (kept[-1] == (x, y, radius))


def test_the_label_stack_keeps_what_is_covered():
    plan = shapes.plan_classes(40, level="hard", overlap=True)
    stack = shapes.label_stack(plan, 4)
    assert stack.shape == (40, 64, 64, 3) and stack.dtype == np.uint8 and (stack.sum(axis=-1) > 1).any()
    expected = np.zeros_like(stack)
    for slot in range(4):
        alone = shapes.paint(dataclasses.replace(plan, present=plan.present & (np.arange(4) == slot))).classes
        expected |= (alone[..., None] == [1, 2, 3]).astype(np.uint8)
    assert np.array_equal(stack, expected)
