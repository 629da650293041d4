"""Draw the series' data set: shapes on a textured, noisy ground, from a seed.

Every picture holds one or more shapes. A shape is FILLED or drawn only as an OUTLINE; the target is its whole silhouette
either way, so the inside of a large outline looks like ground and can only be told from it by context.

Three steps, each a function:

1. :func:`plan` turns ``(seed, split, index)`` into the numbers that describe a picture: kinds, places, sizes, colours.
2. :func:`paint` turns such a plan into pixels and into the maps that say what every pixel belongs to.
3. :func:`draw` does both, in chunks, for as many pictures as you ask for.

Picture ``index`` of a split depends on ``(seed, split, level, size, index)`` and on nothing else: drawn alone, in parts or
in another order, its bytes are the same.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from utils import given

KINDS = ("disc", "square", "triangle", "ring", "cross")
"""The five kinds that every split is drawn from; class ``k`` of a class map is ``KINDS[k - 1]``."""

EXTRA_KINDS = ("star",)
"""Kinds that no split contains unless you ask: shapes that a trained network has never seen."""

CLASS_NAMES = ("ground", *KINDS, *EXTRA_KINDS)
"""The name of every value that a class map can hold."""

STYLE_NAMES = ("ground", "filled", "outlined")
"""The name of every value that a style map can hold."""

SPLITS = {"train": 0, "validation": 1, "test": 2}
"""The splits. The number is part of every picture's random stream, so no picture can be in two splits."""


@dataclasses.dataclass(frozen=True)
class Level:
    """How difficult the pictures are. Lengths are fractions of the picture's side, strengths are on the 0..1 scale.

    Attributes:
        name: what to call it in :func:`draw`.
        shapes: fewest and most shapes in a picture.
        radius: smallest and largest radius of a shape's surrounding circle.
        contrast: weakest and strongest difference between a shape's colour and the ground's, per channel, before colours are
            cut to 0..1; the ground lies in 0.3..0.7, so a channel differs by 0.3 at least where more was wanted.
        line: thickness of an outline; a distractor line is half as thick.
        texture: strength of the waves on the ground.
        noise: standard deviation of the noise added to every pixel.
        lines: fewest and most distractor lines.
        specks: fewest and most distractor specks.
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

SHAPE_SLOTS, LINE_SLOTS, SPECK_SLOTS, WAVES = 4, 4, 8, 3
SMALLEST_SIZE, LARGEST_SIZE = 16, 2048
MOST_PICTURES, MOST_PIXELS = 2**20, 2**30
"""The most that one call draws: a GB of pixels takes 16 GB of memory."""
LARGEST_INDEX = 2**63 - 1
_CHUNK_PIXELS = 64 * 64 * 64
_NUMBERS = 8 + 8 * SHAPE_SLOTS + 7 * LINE_SLOTS + 6 * SPECK_SLOTS + 4 * WAVES


@dataclasses.dataclass
class Plan:
    """What a number of pictures will show, one row a picture; change an entry and :func:`paint` again to see its effect.

    Places and lengths are fractions of the picture's side, x to the right and y downward. Shapes are painted in slot order,
    so a later slot lies on top.

    Attributes:
        present: bool ``(N, 4)``, which of the four shape slots are used.
        kind: integer ``(N, 4)``, index into ``KINDS + EXTRA_KINDS``.
        outlined: bool ``(N, 4)``, drawn as an outline instead of filled.
        x, y: float32 ``(N, 4)``, the shapes' centres.
        radius: float32 ``(N, 4)``, of the circle around the shape.
        angle: float32 ``(N, 4)``, rotation in radians, clockwise on the screen.
        colour: float32 ``(N, 4, 3)``, 0..1.
        line: float32 ``(N,)``, thickness of outlines; distractor lines are half as thick.
        ground: float32 ``(N, 3)``, the ground's colour, 0..1.
        slope: float32 ``(N, 2)``, change of brightness across the ground along x and y.
        waves: float32 ``(N, 3, 4)``, the texture: cycles along x, cycles along y, phase in radians, strength.
        lines: float32 ``(N, 4, 8)``, distractor lines: x, y, angle, half length, three colours, used (0 or 1).
        specks: float32 ``(N, 8, 7)``, distractor specks: x, y, radius, three colours, used (0 or 1).
        noise: float32 ``(N,)``, standard deviation of the noise.
        keys: integer ``(N, 3)``, seed, split number and index of every picture; the noise is drawn from them.
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
    ground: np.ndarray
    slope: np.ndarray
    waves: np.ndarray
    lines: np.ndarray
    specks: np.ndarray
    noise: np.ndarray
    keys: np.ndarray

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.keys)

    def __getitem__(self, rows) -> Plan:
        """The plan of some of the pictures: a slice, or a list of row numbers."""
        rows = _rows(rows, len(self))
        return Plan(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class Samples:
    """Pictures and everything that is known about their pixels. ``samples[3:7]`` is again a ``Samples``.

    Attributes:
        images: float32 ``(N, H, W, 3)``, 0..1, always a multiple of 1/255, so a PNG file holds them without loss.
        masks: uint8 ``(N, H, W, 1)``, 1 on a silhouette, 0 on ground.
        classes: uint8 ``(N, H, W)``, index into ``CLASS_NAMES``, 0 = ground.
        instances: uint8 ``(N, H, W)``, 1, 2, ... in the order of painting, 0 = ground. Where two shapes overlap the pixel
            belongs to the later one; a shape that is covered entirely leaves no pixel.
        styles: uint8 ``(N, H, W)``, index into ``STYLE_NAMES``, 0 = ground.
    """

    images: np.ndarray
    masks: np.ndarray
    classes: np.ndarray
    instances: np.ndarray
    styles: np.ndarray

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def __getitem__(self, rows) -> Samples:
        """Some of the pictures: a slice, a list of numbers or a boolean array."""
        rows = _rows(rows, len(self))
        return Samples(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))


def draw(count, *, split="train", seed=0, level="standard", size=64, kinds=KINDS) -> Samples:
    """Draw pictures of shapes with their masks and maps.

    Args:
        count: how many pictures (the first ``count`` of the split), or a sequence of picture numbers, each from 0 to
            2**63 - 1. At most 2**30 pixels are drawn at once: 262,144 pictures of the standard size.
        split: ``"train"``, ``"validation"`` or ``"test"``; the splits never share a picture.
        seed: an integer, 0 to 2**32 - 1. Another seed is another data set.
        level: ``"easy"``, ``"standard"`` or ``"hard"``, see ``LEVELS``.
        size: side of the square picture in pixels, 16 to 2048.
        kinds: which kinds may appear, from ``KINDS + EXTRA_KINDS``.

    Returns:
        Samples: ``images`` float32 ``(N, size, size, 3)`` and the maps that belong to them.

    Raises:
        ValueError: a count of 0 or less, more pixels than can be drawn at once, a picture number or a size out of range, an
            unknown split, level or kind.
        TypeError: a count, seed or size that is not a whole number.
    """
    size = _size(size)
    indices = picture_numbers(count, most=min(MOST_PICTURES, MOST_PIXELS // size**2))
    chunk = max(1, _CHUNK_PIXELS // size**2)
    n = len(indices)
    drawn = Samples(
        np.empty((n, size, size, 3), np.float32),
        np.empty((n, size, size, 1), np.uint8),
        *(np.empty((n, size, size), np.uint8) for _ in range(3)),
    )
    for i in range(0, n, chunk):
        part = paint(plan(indices[i : i + chunk], split=split, seed=seed, level=level, kinds=kinds), size)
        for field in dataclasses.fields(Samples):
            getattr(drawn, field.name)[i : i + chunk] = getattr(part, field.name)
    return drawn


def plan(count, *, split="train", seed=0, level="standard", kinds=KINDS) -> Plan:
    """Decide what pictures will show, without painting them. Arguments and errors as for :func:`draw`."""
    indices = picture_numbers(count)
    seed = given.whole("seed", seed, 0, 2**32 - 1, "it must lie between 0 and 2**32 - 1")
    split_number = SPLITS[given.choice("split", split, SPLITS)]
    level = LEVELS[given.choice("level", level, LEVELS)]
    kind_numbers = _kind_numbers(kinds)
    keys = np.array([(seed, split_number, i) for i in indices], dtype=np.int64)
    numbers = np.stack([_generator(key, 0).random(_NUMBERS) for key in keys])
    take = _Taker(numbers)

    def between(low, high, *shape):
        return (low + (high - low) * take(*shape)).astype(np.float32)

    def how_many(limits, slots):
        fewest, most = limits
        wanted = fewest + np.floor((most - fewest + 1) * take()).astype(int)
        return np.arange(slots) < wanted[:, None]

    n = len(keys)
    ground = between(0.3, 0.7, 3)
    slope = between(-0.1, 0.1, 2)
    present = how_many(level.shapes, SHAPE_SLOTS)
    kind = kind_numbers[np.floor(take(SHAPE_SLOTS) * len(kind_numbers)).astype(int)]
    outlined = take(SHAPE_SLOTS) < 0.5
    radius = between(*level.radius, SHAPE_SLOTS)
    x = 0.85 * radius + (1 - 1.7 * radius) * between(0, 1, SHAPE_SLOTS)
    y = 0.85 * radius + (1 - 1.7 * radius) * between(0, 1, SHAPE_SLOTS)
    angle = between(0, 2 * np.pi, SHAPE_SLOTS)
    # A shape's colour is the ground's, moved by the contrast in a direction of its own; one random number gives the signs.
    signs = 2.0 * ((np.floor(take(SHAPE_SLOTS) * 8).astype(int)[..., None] >> np.arange(3)) & 1) - 1
    strength = between(*level.contrast, SHAPE_SLOTS)
    colour = np.clip(ground[:, None] + signs * strength[..., None], 0, 1).astype(np.float32)

    lines_used = how_many(level.lines, LINE_SLOTS)
    lines = np.concatenate(
        [
            between(0.1, 0.9, LINE_SLOTS, 2),
            between(0, np.pi, LINE_SLOTS, 1),
            between(0.15, 0.5, LINE_SLOTS, 1),
            between(0, 1, LINE_SLOTS, 3),
            lines_used[..., None],
        ],
        axis=-1,
    ).astype(np.float32)
    specks_used = how_many(level.specks, SPECK_SLOTS)
    specks = np.concatenate(
        [
            between(0.02, 0.98, SPECK_SLOTS, 2),
            between(0.010, 0.025, SPECK_SLOTS, 1),
            between(0, 1, SPECK_SLOTS, 3),
            specks_used[..., None],
        ],
        axis=-1,
    ).astype(np.float32)
    waves = np.concatenate(
        [between(-9, 9, WAVES, 2), between(0, 2 * np.pi, WAVES, 1), between(0.3, 1.0, WAVES, 1) * level.texture],
        axis=-1,
    ).astype(np.float32)
    return Plan(
        present, kind, outlined, x, y, radius, angle, colour, np.full(n, level.line, np.float32), ground, slope, waves,
        lines, specks, np.full(n, level.noise, np.float32), keys,
    )  # fmt: skip


def paint(plan: Plan, size: int = 64) -> Samples:
    """Paint planned pictures and the maps that say what each pixel belongs to.

    A pixel is on a silhouette when its centre is. Edges in the image are antialiased: a pixel takes a shape's colour in
    proportion to how far its centre lies inside, over a width of one pixel.

    Args:
        plan: what to paint, from :func:`plan`, changed or not.
        size: side of the picture in pixels, 16 to 2048.

    Returns:
        Samples: one picture for every row of the plan.

    Raises:
        TypeError: not a plan, or parts of it that are no numbers.
        ValueError: a size out of range, or a plan whose parts do not fit together: other shapes than :class:`Plan` says,
            values that are NaN or infinite, a kind that does not exist, a negative radius, line or noise.
    """
    size = _size(size)
    _check_plan(plan)
    n = len(plan)
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    grid_x, grid_y = centres[None, None, :], centres[None, :, None]
    image = _ground(plan, grid_x, grid_y)
    for k in range(LINE_SLOTS):
        rows = np.flatnonzero(plan.lines[:, k, 7])
        x, y, angle, half, *colour = np.moveaxis(plan.lines[rows, k, :7], -1, 0)[..., None, None]
        along, across = _turn(grid_x - x, grid_y - y, angle)
        distance = np.maximum(np.abs(along) - half, np.abs(across) - plan.line[rows, None, None] / 4)
        _blend(image, rows, np.stack(colour, axis=-1), _coverage(distance, size))
    for k in range(SPECK_SLOTS):
        rows = np.flatnonzero(plan.specks[:, k, 6])
        x, y, radius, *colour = np.moveaxis(plan.specks[rows, k, :6], -1, 0)[..., None, None]
        if len(rows):
            # Only the pixels of a window around a speck are looked at.
            window = min(size, int(np.ceil(2 * max(0, radius.max()) * size)) + 3)
            left, top = (_window(place[:, 0], window, size) for place in (x, y))
            distance = _disc(centres[left][:, None] - x, centres[top][:, :, None] - y, radius)
            _blend(image, rows, np.stack(colour, axis=-1), _coverage(distance, size), (top, left))

    classes, instances, styles = (np.zeros((n, size, size), np.uint8) for _ in range(3))
    for k in range(SHAPE_SLOTS):
        for number, signed_distance in enumerate(_SIGNED_DISTANCES):
            rows = np.flatnonzero(plan.present[:, k] & (plan.kind[:, k] == number))
            if not len(rows):
                continue
            x, y, angle, radius = (a[rows, k, None, None] for a in (plan.x, plan.y, plan.angle, plan.radius))
            distance = signed_distance(*_turn(grid_x - x, grid_y - y, angle), radius)
            outlined = plan.outlined[rows, k, None, None]
            stroke = np.maximum(distance, -plan.line[rows, None, None] - distance)
            _blend(
                image, rows, plan.colour[rows, k][:, None, None], _coverage(np.where(outlined, stroke, distance), size)
            )
            which, pixel = np.divmod(np.flatnonzero(distance <= 0), size**2)
            inside = rows[which] * size**2 + pixel
            for chart, value in (
                (classes, number + 1),
                (instances, k + 1),
                (styles, 1 + plan.outlined[rows, k][which]),
            ):
                chart.reshape(-1)[inside] = value

    # Noise and rounding, a picture at a time: its values stay in the processor's cache.
    noise = np.empty(image.shape[1:], np.float32)
    levels = np.empty(image.shape[1:], np.uint8)
    for pixels, key, strength in zip(image, plan.keys, plan.noise):
        _generator(key, 1).standard_normal(dtype=np.float32, out=noise)
        noise *= strength
        pixels += noise
        np.clip(pixels, 0, 1, out=pixels)
        pixels *= np.float32(255)
        np.rint(pixels, out=levels, casting="unsafe")
        np.divide(levels, np.float32(255), out=pixels)
    return Samples(image, (instances > 0).astype(np.uint8)[..., None], classes, instances, styles)


def _generator(key, purpose):
    """The random stream of one picture: purpose 0 for its plan, 1 for its noise."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([*map(int, key), purpose])))


class _Taker:
    """Hands out columns of a table of random numbers, in order, so that every picture uses its own row."""

    def __init__(self, numbers):
        self.numbers, self.used = numbers, 0

    def __call__(self, *shape):
        width = int(np.prod(shape))
        self.used += width
        return self.numbers[:, self.used - width : self.used].reshape(len(self.numbers), *shape)


def _ground(plan, grid_x, grid_y):
    """The ground's colour, slope and texture: float32 (N, H, W, 3), before shapes and noise."""
    slope_x, slope_y = plan.slope.T[..., None, None]
    light = slope_x * (grid_x - 0.5) + slope_y * (grid_y - 0.5)
    for k in range(WAVES):
        across, down, phase, strength = plan.waves[:, k].T[..., None, None]
        light = light + strength * np.sin(np.float32(2 * np.pi) * (across * grid_x + down * grid_y) + phase)
    image = np.empty((*light.shape, 3), np.float32)
    for channel in range(3):
        np.add(light, plan.ground[:, channel, None, None], out=image[..., channel], casting="same_kind")
    return image


def _turn(x, y, angle):
    """Coordinates in a frame that is rotated by the angle."""
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _coverage(distance, size):
    """How much of a pixel a shape covers, 0..1, from the signed distance of the pixel's centre to its edge."""
    return np.clip(0.5 - distance * size, 0, 1)


def _window(place, width, size):
    """The numbers ``(N, width)`` of the pixels along one side of windows around places, kept inside the picture."""
    first = np.clip(np.floor(place * size).astype(int) - width // 2, 0, size - width)
    return first + np.arange(width)


def _blend(image, rows, colour, coverage, where=None):
    """Paint a colour over some of the images, in place, as far as it covers each pixel.

    Only pixels that are covered at all are touched: most are not. If coverage holds windows and not whole pictures, ``where``
    says which pixels they lie on: their numbers down and across.
    """
    size = image.shape[1]
    found = np.flatnonzero(coverage)
    which, pixel = np.divmod(found, coverage[0].size if len(rows) else 1)
    if where is not None:
        down, across = np.divmod(pixel, coverage.shape[2])
        pixel = where[0][which, down] * size + where[1][which, across]
    pixels = image.reshape(-1, 3)
    place = rows[which] * size**2 + pixel
    old = pixels[place]
    pixels[place] = old + coverage.reshape(-1)[found, None] * (colour[:, 0, 0][which] - old)


# Signed distance from a shape's edge: negative inside, positive outside, in fractions of the picture's side.
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


_TAILS = {
    "present": (SHAPE_SLOTS,), "kind": (SHAPE_SLOTS,), "outlined": (SHAPE_SLOTS,), "x": (SHAPE_SLOTS,), "y": (SHAPE_SLOTS,),
    "radius": (SHAPE_SLOTS,), "angle": (SHAPE_SLOTS,), "colour": (SHAPE_SLOTS, 3), "line": (), "ground": (3,), "slope": (2,),
    "waves": (WAVES, 4), "lines": (LINE_SLOTS, 8), "specks": (SPECK_SLOTS, 7), "noise": (), "keys": (3,),
}  # fmt: skip
"""The shape of every part of a plan, without the number of pictures."""


def _check_plan(plan):
    """Raise an error unless the parts of a plan, which a reader may have changed, fit together."""
    if not isinstance(plan, Plan):
        raise TypeError(f"plan is {given.shown(plan)}; give what shapes.plan returns.")
    parts = {name: given.finite(f"plan.{name}", getattr(plan, name)) for name in _TAILS}
    count = len(parts["keys"]) if parts["keys"].ndim else 0
    if not count:
        raise ValueError("The plan holds no picture; plan 1 or more.")
    for name, tail in _TAILS.items():
        if not isinstance(getattr(plan, name), np.ndarray):
            raise TypeError(f"plan.{name} is {given.shown(getattr(plan, name))}; give a NumPy array.")
        if parts[name].shape != (count, *tail):
            raise ValueError(f"plan.{name} has the shape {parts[name].shape}; it must be {(count, *tail)}.")
    for name in ("present", "outlined"):
        if parts[name].dtype != bool:
            raise TypeError(f"plan.{name} holds {parts[name].dtype}; it must be True or False.")
    for name in ("kind", "keys"):
        if parts[name].dtype.kind not in "iu":
            raise TypeError(f"plan.{name} holds {parts[name].dtype}; give whole numbers.")
    kinds = parts["kind"]
    if kinds.min() < 0 or kinds.max() >= len(_SIGNED_DISTANCES):
        raise ValueError(
            f"plan.kind runs from {kinds.min()} to {kinds.max()}; 0 to {len(_SIGNED_DISTANCES) - 1} exist."
        )
    for name in ("keys", "radius", "line", "noise"):
        if parts[name].min() < 0:
            raise ValueError(f"plan.{name} holds {parts[name].min():g}; it must be 0 or more.")
    largest = max(np.abs(parts[name].astype(np.float64)).max() for name in _TAILS if name != "keys")
    if largest > 1e6:
        raise ValueError(f"The plan holds the number {largest:g}; lengths are fractions of the picture's side.")


def _size(size):
    return given.whole(
        "size", size, SMALLEST_SIZE, LARGEST_SIZE, f"a picture's side may be {SMALLEST_SIZE} to {LARGEST_SIZE} pixels"
    )


def _rows(rows, count):
    """What a reader puts in brackets, as a slice, a list or an array; one number gives one row."""
    if isinstance(rows, (slice, list)) or (isinstance(rows, np.ndarray) and rows.ndim):
        return rows
    row = given.whole("a picture's number", rows)
    if not -count <= row < count:  # an IndexError, and no other, ends a loop over the pictures
        raise IndexError(f"There is no picture {row}; there are {count}, counted from 0.")
    return slice(row, row + 1 or None)


def picture_numbers(count, most=MOST_PICTURES):
    """The picture numbers that a count or a sequence of numbers asks for.

    Args:
        count: how many pictures, or a sequence of picture numbers, each from 0 to 2**63 - 1.
        most: how many may be asked for at once.

    Returns:
        range or list of int, 1 or more.

    Raises:
        TypeError: something else than whole numbers.
        ValueError: no number, too many, or one out of range.
    """
    most = given.whole("most", most, 1)
    try:
        if isinstance(count, (str, bytes)):
            raise TypeError
        numbers = iter(count)
    except Exception:  # one number, or something that cannot be counted through
        count = given.whole("count", count, 1, None, "ask for 1 picture or more")
        if count > most:
            raise ValueError(f"count is {given.shown(count)}; at most {most:,} are drawn at once.") from None
        return range(count)
    indices = [given.whole("a picture number", i) for i in itertools.islice(numbers, most + 1)]
    if not indices:
        raise ValueError("No picture numbers were given; ask for 1 picture or more.")
    if len(indices) > most:
        raise ValueError(f"More than {most:,} picture numbers were given; draw them in parts.")
    if min(indices) < 0:
        raise ValueError(f"A picture number is {min(indices)}; they start at 0.")
    if max(indices) > LARGEST_INDEX:
        raise ValueError(f"A picture number is {given.shown(max(indices))}; they end at 2**63 - 1.")
    return indices


def _kind_numbers(kinds):
    allowed = KINDS + EXTRA_KINDS
    kinds = [kinds] if isinstance(kinds, str) else given.many("kinds", kinds)
    if not kinds:
        raise ValueError(f"No kinds were given; choose from {', '.join(map(repr, allowed))}.")
    return np.array([allowed.index(given.choice("kind", kind, allowed)) for kind in kinds])
