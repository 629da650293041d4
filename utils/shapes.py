"""Draw every image of the series: shapes on a textured, noisy background, from a seed.

A shape is FILLED or drawn only as an OUTLINE. The target is its whole silhouette either way, so the inside of a large
outline looks like background and can only be told from it by context.

1. :func:`plan` turns ``(seed, split, index)`` into the numbers that describe an image: kinds, places, sizes, colours.
2. :func:`paint` turns these numbers into pixels and into the maps that say what every pixel belongs to.
3. :func:`draw` does both.

Image ``index`` of a split depends on ``(seed, split, level, size, index)`` and on nothing else: drawn alone, in parts
or in another order, its bytes are the same.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

KINDS = ("disc", "square", "triangle", "ring", "cross")
"""The five kinds that every split is drawn from; class ``k`` of a class map is ``KINDS[k - 1]``."""

EXTRA_KINDS = ("star",)
"""Kinds that no split contains unless you ask: shapes that a trained network has never seen."""

CLASS_NAMES = ("background", *KINDS, *EXTRA_KINDS)
"""The name of every value that a class map can hold."""

THREE_KINDS = ("disc", "square", "triangle")
THREE_NAMES = ("background", *THREE_KINDS)
"""The kinds of :func:`draw_classes`, and the names of its classes."""

STYLE_NAMES = ("background", "filled", "outlined")
"""The name of every value that a style map can hold."""

SPLITS = {"train": 0, "validation": 1, "test": 2}
"""The splits. The number is part of every image's random stream, so no image can be in two splits."""


@dataclasses.dataclass(frozen=True)
class Level:
    """How difficult the images are. Lengths are fractions of the image's side, strengths are on the 0..1 scale.

    Attributes:
        name: what to call it in :func:`draw`.
        shapes, lines, specks: fewest and most shapes, distractor lines and distractor specks in an image.
        radius: smallest and largest radius of a shape's surrounding circle.
        contrast: weakest and strongest difference between the colours of a shape and the background, per channel.
        line: thickness of an outline; a distractor line is half as thick.
        texture: strength of the waves on the background.
        noise: standard deviation of the noise added to every pixel.
    """

    name: str
    shapes: tuple[int, int]
    radius: tuple[float, float]
    contrast: tuple[float, float]
    line: float
    texture: float
    noise: float
    lines: tuple[int, int]
    specks: tuple[int, int]


LEVELS = {
    level.name: level
    for level in (
        Level("easy", (1, 1), (0.25, 0.36), (0.35, 0.55), 0.045, 0.02, 0.01, (0, 0), (0, 0)),
        Level("standard", (1, 2), (0.23, 0.36), (0.32, 0.55), 0.045, 0.03, 0.02, (0, 1), (1, 4)),
        Level("hard", (1, 4), (0.12, 0.32), (0.12, 0.35), 0.032, 0.08, 0.06, (2, 4), (4, 8)),
    )
}
"""``easy``: one clear shape, no distractors. ``standard``: the series' level. ``hard``: a challenge."""

SHAPES, LINES, SPECKS, WAVES = 4, 4, 8, 3
"""How many shapes, distractor lines, specks and waves the plan of an image has room for."""

_NUMBERS = 128  # random numbers that a plan takes


class _Rows:
    """Arrays with one row an image. ``rows[3:7]``, ``rows[[4, 0]]`` and ``rows[2]`` hold some of the images."""

    def __len__(self):
        return len(next(iter(vars(self).values())))

    def __getitem__(self, rows):
        if isinstance(rows, (int, np.integer)):
            first = range(len(self))[rows]
            rows = slice(first, first + 1)
        return type(self)(*(array[rows] for array in vars(self).values()))


@dataclasses.dataclass
class Plan(_Rows):
    """What N images will show; change an entry and :func:`paint` again to see its effect.

    Places and lengths are fractions of the image's side, x to the right and y downward; colours are 0..1. Shapes are
    painted in the order of their four slots, a later one on top.

    Attributes:
        present: bool ``(N, 4)``, which slots hold a shape.
        kind: integer ``(N, 4)``, index into ``KINDS + EXTRA_KINDS``.
        outlined: bool ``(N, 4)``, drawn as an outline instead of filled.
        x, y, radius, angle: float32 ``(N, 4)``: centre, radius of the surrounding circle, radians clockwise.
        colour: float32 ``(N, 4, 3)``.
        line, noise: float32 ``(N,)``: thickness of outlines (distractor lines: half), standard deviation of the noise.
        background, slope: float32 ``(N, 3)``, ``(N, 2)``: its colour, and how its brightness changes along x and y.
        waves: float32 ``(N, 3, 4)``, its texture: cycles along x, cycles along y, phase in radians, strength.
        lines: float32 ``(N, 4, 8)``, distractors: x, y, angle, half length, three colours, used (0 or 1).
        specks: float32 ``(N, 8, 7)``, distractors: x, y, radius, three colours, used (0 or 1).
        keys: int64 ``(N, 3)``: seed, number of the split, index; the noise is drawn from them.
    """

    present: np.ndarray
    kind: np.ndarray
    outlined: np.ndarray
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    colour: np.ndarray
    line: np.ndarray
    background: np.ndarray
    slope: np.ndarray
    waves: np.ndarray
    lines: np.ndarray
    specks: np.ndarray
    noise: np.ndarray
    keys: np.ndarray


@dataclasses.dataclass(frozen=True)
class Samples(_Rows):
    """N images and what is known about their pixels; 0 is background in every map.

    Attributes:
        images: float32 ``(N, H, W, 3)``, 0..1, multiples of 1/255, so a PNG file holds them without loss.
        masks: uint8 ``(N, H, W, 1)``, 1 on a silhouette.
        classes: uint8 ``(N, H, W)``, index into ``CLASS_NAMES``.
        instances: uint8 ``(N, H, W)``, number of the shape in the order of painting, from 1; a later one lies on top.
        styles: uint8 ``(N, H, W)``, index into ``STYLE_NAMES``.
    """

    images: np.ndarray
    masks: np.ndarray
    classes: np.ndarray
    instances: np.ndarray
    styles: np.ndarray


def draw(count, *, split="train", seed=0, level="standard", size=64, kinds=KINDS) -> Samples:
    """Draw images of shapes with their masks and maps.

    Args:
        count: how many images (the first ``count`` of the split), or a sequence of image numbers, 0 or more.
        split: ``"train"``, ``"validation"`` or ``"test"``; the splits never share an image.
        seed: whole number, 0 or more. Another seed is another data set.
        level: ``"easy"``, ``"standard"`` or ``"hard"``, see ``LEVELS``.
        size: side of the square image in pixels.
        kinds: which kinds may appear, from ``KINDS + EXTRA_KINDS``.
    """
    return paint(plan(count, split=split, seed=seed, level=level, kinds=kinds), size)


def plan(count, *, split="train", seed=0, level="standard", kinds=KINDS) -> Plan:
    """Decide what images will show, without painting them. Arguments as for :func:`draw`."""
    level = LEVELS[level]
    kinds = [(KINDS + EXTRA_KINDS).index(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    indices = range(count) if np.ndim(count) == 0 else count
    keys = np.array([(seed, SPLITS[split], index) for index in indices], dtype=np.int64)
    numbers = np.stack([_generator(key, 0).random(_NUMBERS) for key in keys])
    n = len(keys)

    def take(*shape):
        nonlocal numbers
        taken, numbers = np.split(numbers, [math.prod(shape)], axis=1)
        return taken.reshape(n, *shape)

    def between(low, high, *shape):
        return (low + (high - low) * take(*shape)).astype(np.float32)

    def how_many(limits, slots):
        fewest, most = limits
        return np.arange(slots) < (fewest + np.floor((most - fewest + 1) * take()))[:, None]

    background, slope = between(0.3, 0.7, 3), between(-0.1, 0.1, 2)
    present = how_many(level.shapes, SHAPES)
    kind = np.array(kinds)[np.floor(take(SHAPES) * len(kinds)).astype(int)]
    outlined = take(SHAPES) < 0.5
    radius = between(*level.radius, SHAPES)
    x, y = (_centre(between(0, 1, SHAPES), radius) for _ in range(2))
    angle = between(0, 2 * np.pi, SHAPES)
    # A shape's colour is the background's, moved in a direction of its own; one random number gives the three signs.
    signs = 2.0 * ((np.floor(take(SHAPES) * 8).astype(int)[..., None] >> np.arange(3)) & 1) - 1
    contrast = between(*level.contrast, SHAPES)
    colour = np.clip(background[:, None] + signs * contrast[..., None], 0, 1).astype(np.float32)

    used = how_many(level.lines, LINES)[..., None]
    place, turn = between(0.1, 0.9, LINES, 2), between(0, np.pi, LINES, 1)
    lines = [place, turn, between(0.15, 0.5, LINES, 1), between(0, 1, LINES, 3), used]
    used = how_many(level.specks, SPECKS)[..., None]
    specks = [between(0.02, 0.98, SPECKS, 2), between(0.010, 0.025, SPECKS, 1), between(0, 1, SPECKS, 3), used]
    cycles, phase = between(-9, 9, WAVES, 2), between(0, 2 * np.pi, WAVES, 1)
    waves = [cycles, phase, between(0.3, 1.0, WAVES, 1) * level.texture]
    waves, lines, specks = (np.concatenate(parts, axis=-1, dtype=np.float32) for parts in (waves, lines, specks))
    line, noise = (np.full(n, value, np.float32) for value in (level.line, level.noise))
    return Plan(
        present, kind, outlined, x, y, radius, angle, colour, line, background, slope, waves, lines, specks, noise, keys
    )


def paint(plan: Plan, size: int = 64) -> Samples:
    """Paint planned images of ``size`` x ``size`` pixels, and the maps that say what each pixel belongs to.

    A pixel is on a silhouette when its centre is. Edges in the image are antialiased: a pixel takes a shape's colour in
    proportion to how far its centre lies inside, over a width of one pixel.
    """
    images = np.empty((len(plan), size, size, 3), np.float32)
    classes, instances, styles = (np.zeros(images.shape[:3], np.uint8) for _ in range(3))
    for row, one in enumerate(_pictures(plan)):
        image = _background(one, size)
        _paint_distractors(image, one)
        for slot in np.flatnonzero(one.present):
            window, distance = _shape(one, slot, size)
            outlined, inside = one.outlined[slot], distance <= 0
            edge = np.maximum(distance, -one.line - distance) if outlined else distance
            _blend(image[:, *window], edge * size, one.colour[slot])
            classes[row][window][inside] = one.kind[slot] + 1
            instances[row][window][inside] = slot + 1
            styles[row][window][inside] = 1 + outlined
        noise = _generator(one.keys, 1).standard_normal(images.shape[1:], np.float32)
        pixels = np.clip(np.moveaxis(image, 0, -1) + one.noise * noise, 0, 1)
        images[row] = np.rint(pixels * np.float32(255)) / np.float32(255)
    return Samples(images, (instances > 0).astype(np.uint8)[..., None], classes, instances, styles)


# ---- Touching discs, large scenes, class images --------------------------------------------------------------------


def draw_touching(count, *, split="train", seed=0, size=64) -> Samples:
    """Draw four discs of one colour in each image, packed so that each meets another one. Arguments as :func:`draw`.

    Where two discs meet they overlap by 1.5 pixels at most, or leave up to 1.5 pixels of background between them (at
    64 x 64). ``instances`` tells the discs apart; ``masks`` joins those that touch.
    """
    planned = plan(count, split=split, seed=seed, kinds="disc")
    planned.present[:], planned.outlined[:], planned.colour[:] = True, False, planned.colour[:, :1]
    for row, key in enumerate(planned.keys):
        planned.x[row], planned.y[row], planned.radius[row] = _pack(_generator(key, 2), SHAPES)
    return paint(planned, size)


def draw_scene(blocks=8, seed=0) -> Samples:
    """Draw one large image with shapes as large, in pixels, as those of the series' 64 x 64 images.

    It has ``blocks`` x ``blocks`` blocks of 128 x 128 pixels, four shapes each, on one background: its colour and its
    waves go on from block to block. ``instances`` number the shapes of each block from 1 to 4 again.
    """
    planned = _shrink(plan(blocks**2, split="test", seed=seed), 0.5, margin=1)  # no shape is cut off
    for lengths in (planned.line, planned.specks[..., 2], planned.lines[..., 3]):
        lengths /= 2
    other = (planned.background[0] - planned.background)[:, None]
    planned.present[:], planned.colour[:] = True, np.clip(planned.colour + other, 0, 1)
    planned.background[:], planned.slope[:], planned.waves[:] = planned.background[0], 0, planned.waves[0]
    planned.waves[..., :2] = np.rint(2 * planned.waves[..., :2])  # whole cycles, so that a wave fits its block
    side, painted = blocks * 128, paint(planned, 128)
    grids = (array.reshape(blocks, blocks, *array.shape[1:]).swapaxes(1, 2) for array in vars(painted).values())
    return Samples(*(grid.reshape(1, side, side, *grid.shape[4:]) for grid in grids))


def plan_classes(
    count, *, split="train", seed=0, level="standard", kinds=THREE_KINDS, scale=0.7, outlined=False, overlap=False
) -> Plan:
    """Plan images in which shapes of few kinds are seen whole: smaller, filled, two of them where there is room.

    Args:
        count, split, seed, level, kinds: as for :func:`plan`.
        scale: shapes are this much smaller than those of :func:`plan`, so that two of them find room.
        outlined: keep the shapes that are drawn as outlines.
        overlap: keep a shape whose surrounding circle meets that of an earlier one; by default it is left out.
    """
    planned = _shrink(plan(count, split=split, seed=seed, level=level, kinds=kinds), scale)
    planned.present[:, 1] = True
    planned.outlined &= outlined
    for later in range(0 if overlap else SHAPES):
        for earlier in range(later):
            distance = np.hypot(*(place[:, later] - place[:, earlier] for place in (planned.x, planned.y)))
            meets = distance <= planned.radius[:, later] + planned.radius[:, earlier]
            planned.present[:, later] &= ~(meets & planned.present[:, earlier])
    return planned


def draw_classes(count, **options) -> Samples:
    """Draw the images of :func:`plan_classes`; ``classes`` is what a network with several outputs learns."""
    return paint(plan_classes(count, **options))


def label_stack(plan: Plan, classes: int, size: int = 64) -> np.ndarray:
    """For every class the whole silhouettes, also where another shape covers them: labels that keep overlaps.

    Args:
        plan: of images whose classes are below ``classes``.
        classes: how many, the background counted.
        size: side of an image in pixels.

    Returns:
        uint8 ``(N, size, size, classes - 1)``, 0 or 1; channel ``k - 1`` belongs to class ``k``.
    """
    stack = np.zeros((len(plan), size, size, classes - 1), np.uint8)
    for channels, one in zip(stack, _pictures(plan)):
        for slot in np.flatnonzero(one.present):
            window, distance = _shape(one, slot, size)
            channels[..., one.kind[slot]][window][distance <= 0] = 1
    return stack


# ---- How an image is made -------------------------------------------------------------------------------------------


def _generator(key, purpose):
    """The random stream of one image: purpose 0 for its plan, 1 for its noise, 2 for packing."""
    return np.random.default_rng([*map(int, key), purpose])


def _centre(share, radius, margin=0.85):
    """Where a centre lies: a share of the way through the image, ``margin`` radii away from its sides."""
    return margin * radius + (1 - 2 * margin * radius) * share


def _shrink(plan, scale, margin=0.85):
    """The plan with smaller shapes, as far along the part of the image that they may lie in as before."""
    radius = plan.radius * np.float32(scale)
    shares = ((place - 0.85 * plan.radius) / (1 - 1.7 * plan.radius) for place in (plan.x, plan.y))
    x, y = (_centre(share, radius, margin) for share in shares)
    return dataclasses.replace(plan, radius=radius, x=x, y=y)


def _pack(rng, count, gap=1.5 / 64, side=0.03):
    """Centres and radii of discs that meet, in shares of the image's side: try places at random until all fit."""
    while True:
        x, y, radius = rng.uniform(0.3, 0.7, 1), rng.uniform(0.3, 0.7, 1), rng.uniform(0.11, 0.16, count)
        for _ in range(50 * count):
            number = len(x)
            beside, angle = rng.integers(number), rng.uniform(0, 2 * np.pi)
            reach = radius[beside] + radius[number] + rng.uniform(-gap, gap)
            new_x, new_y = x[beside] + reach * np.cos(angle), y[beside] + reach * np.sin(angle)
            limit = radius[number] + side
            fits = limit <= new_x <= 1 - limit and limit <= new_y <= 1 - limit
            if fits and (np.hypot(new_x - x, new_y - y) >= radius[:number] + radius[number] - gap).all():
                x, y = np.append(x, new_x), np.append(y, new_y)
                if len(x) == count:
                    return x, y, radius


def _pictures(plan):
    """The plan of one image after another, without the axis that counts images."""
    return map(Plan, *vars(plan).values())


def _background(one, size):
    """Colour, slope and texture, float32 ``(3, size, size)``: channels first while shapes are painted."""
    x, y = _grid(size)
    light = one.slope[0] * (x - 0.5) + one.slope[1] * (y - 0.5)
    for across, down, phase, strength in one.waves:
        light = light + strength * np.sin(np.float32(2 * np.pi) * (across * x + down * y) + phase)
    return light + one.background[:, None, None]


def _paint_distractors(image, one):
    """Paint the lines and specks that are no shapes, in place."""
    size = image.shape[1]
    for x, y, angle, half, *colour, used in one.lines:
        if used:
            window, right, down = _around(x, y, half + one.line, size)
            along, across = _turn(right, down, angle)
            distance = np.maximum(np.abs(along) - half, np.abs(across) - one.line / 4)
            _blend(image[:, *window], distance * size, colour)
    for x, y, radius, *colour, used in one.specks:
        if used:
            window, right, down = _around(x, y, radius, size)
            _blend(image[:, *window], _disc(right, down, radius) * size, colour)


def _shape(one, slot, size):
    """The window around a shape, and there each pixel's signed distance to the shape's edge."""
    radius = one.radius[slot]
    window, right, down = _around(one.x[slot], one.y[slot], radius, size)
    return window, _SIGNED_DISTANCES[one.kind[slot]](*_turn(right, down, one.angle[slot]), radius)


def _around(x, y, radius, size):
    """The window, rows and columns, that holds a circle, and how far its pixels lie right and down of the centre."""
    firsts = (max(0, math.floor((place - radius) * size) - 2) for place in (y, x))
    ends = (max(0, math.ceil((place + radius) * size) + 2) for place in (y, x))
    rows, columns = map(slice, firsts, ends)
    grid_x, grid_y = _grid(size)
    return (rows, columns), grid_x[columns] - x, grid_y[rows] - y


def _turn(x, y, angle):
    """Coordinates in a frame that is rotated by the angle."""
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _grid(size):
    """The centres of the pixels along x and along y."""
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    return centres, centres[:, None]


def _blend(image, distance, colour):
    """Mix a colour into an image ``(3, H, W)``, in place; ``distance`` to the edge is in pixels, negative inside."""
    coverage = np.clip(0.5 - distance, 0, 1)
    image += coverage * (np.reshape(colour, (3, 1, 1)) - image)


# Signed distance from a shape's edge: negative inside, positive outside, in fractions of the image's side.
# Each shape is centred on (0, 0) and fits a circle of the given radius.


def _disc(x, y, radius):
    return np.hypot(x, y) - radius


def _box(x, y, half_width, half_height):
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _square(x, y, radius):
    half = radius * np.float32(np.sqrt(0.5))
    return _box(x, y, half, half)


def _triangle(x, y, radius):
    lean = np.float32(np.sqrt(0.75))
    return np.maximum(y, np.maximum(lean * x - y / 2, -lean * x - y / 2)) - radius / 2


def _ring(x, y, radius):
    distance = np.hypot(x, y)
    return np.maximum(distance - radius, np.float32(0.5) * radius - distance)


def _cross(x, y, radius):
    long, short = np.float32(0.94) * radius, np.float32(0.33) * radius
    return np.minimum(_box(x, y, long, short), _box(x, y, short, long))


def _star(x, y, radius):
    # Fold the plane onto one half of one point of the star; there the edge is a straight line from tip to notch.
    sector = np.float32(np.pi / 5)
    angle = np.abs(np.mod(np.arctan2(y, x), 2 * sector) - sector)
    distance = np.hypot(x, y)
    notch_x, notch_y = 0.45 * np.cos(np.pi / 5), 0.45 * np.sin(np.pi / 5)
    length = np.hypot(1 - notch_x, notch_y)
    normal_x, normal_y = np.float32(notch_y / length), np.float32((1 - notch_x) / length)
    return normal_x * (distance * np.cos(angle) - radius) + normal_y * distance * np.sin(angle)


_SIGNED_DISTANCES = (_disc, _square, _triangle, _ring, _cross, _star)
