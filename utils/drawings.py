"""Pictures of one white shape, what a network that draws learns from; and how drawings are judged.

Pictures are float32 ``(N, 32, 32, 1)``, 0 on background and 1 on a shape, as masks are, with antialiased edges.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from utils import shapes

SIZE, TILT = 32, 0.15
"""Side of a picture in pixels; largest tilt of a shape in radians."""


def draw(count, *, split="train", seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Draw one white shape a picture, whole and nearly upright.

    Returns:
        Pictures ``(N, 32, 32, 1)``, 0..1, and kinds ``(N,)``, indices of ``shapes.KINDS``.
    """
    plan = shapes.plan(count, split=split, seed=seed, level="easy")
    kind, x, y, radius, angle = (array[:, 0] for array in (plan.kind, plan.x, plan.y, plan.radius, plan.angle))
    x, y = (0.5 + (place - 0.5) * (0.5 - radius) / (0.5 - 0.85 * radius) for place in (x, y))  # no side is cut off
    return silhouettes(plan, kind, x, y, radius, TILT * (angle / np.pi - 1)), kind


def silhouettes(plan, kind, x, y, radius, angle) -> np.ndarray:
    """Paint a white shape on black instead of what a plan shows: pictures ``(N, 32, 32, 1)``, edges antialiased."""
    plan = dataclasses.replace(plan, **{name: np.array(array) for name, array in vars(plan).items()})
    for slots, values in zip((plan.kind, plan.x, plan.y, plan.radius, plan.angle), (kind, x, y, radius, angle)):
        slots[:, 0] = values
    plan.present[:] = np.arange(shapes.SHAPES) == 0
    plan.colour[:] = 1
    for array in (plan.outlined, plan.background, plan.slope, plan.waves, plan.lines, plan.specks, plan.noise):
        array[:] = 0
    parts = (
        plan[first : first + 1000] for first in range(0, len(plan), 1000)
    )  # three channels of all would take much memory
    return np.concatenate([shapes.paint(part, SIZE).images[..., :1].copy() for part in parts])


# ---- What was drawn ----------------------------------------------------------------------------------------------------

_AREAS = np.pi, 2, 0.75 * np.sqrt(3), 0.75 * np.pi, 8 * 0.94 * 0.33 - 4 * 0.33**2
_TURNS = (1, 0), (4, np.pi), (3, np.pi / 2), (1, 0), (4, 0)
"""For each of ``shapes.KINDS``: area for radius 1; symmetry, and the angle of that moment for a shape that is not turned."""


def measure(pictures) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Measure where the white of a picture is, how much, and how it is turned.

    Returns:
        Area in pixels, x and y of its centre, 0..1, each ``(N,)``; and the tilt in radians ``(N, 5)``, read as each of
        ``shapes.KINDS``. Discs and rings have no tilt: their columns mean nothing.
    """
    weight, centres = pictures[..., 0].astype(float), (np.arange(SIZE) + 0.5) / SIZE
    area = weight.sum(axis=(1, 2)) + 1e-9
    x, y = ((weight * place).sum(axis=(1, 2)) / area for place in (centres, centres[:, None]))
    spot = centres - x[:, None, None] + 1j * (centres[:, None] - y[:, None, None])
    moments = [(weight * spot**turn).sum(axis=(1, 2)) * np.exp(-1j * start) for turn, start in _TURNS]
    return area, x, y, np.stack([np.angle(one) / turn for one, (turn, _) in zip(moments, _TURNS)], axis=1)


def fit(pictures) -> np.ndarray:
    """How well each kind of shape fits a picture: IoU ``(N, 5)`` with an ideal shape of the same centre, area and direction."""
    area, x, y, tilt = measure(pictures)
    plan, found = shapes.plan(len(pictures)), []
    for kind, one in enumerate(_AREAS):
        radius = np.sqrt(area / SIZE**2 / one).clip(0.02, 0.7)
        ideal = silhouettes(plan, kind, x, y, radius, tilt[:, kind])
        both, either = (part(ideal, pictures).sum(axis=(1, 2, 3)) for part in (np.minimum, np.maximum))
        found.append(both / either)
    return np.stack(found, axis=1)


def recognise(pictures, least=0.9) -> np.ndarray:
    """Number of the kind that fits each picture best, an index of ``shapes.KINDS``, or -1 where none fits by ``least``."""
    found = fit(pictures)
    return np.where(found.max(axis=1) >= least, found.argmax(axis=1), -1)


def nearest(pictures, among) -> tuple[np.ndarray, np.ndarray]:
    """For each picture the number of the most similar one among others, and the root of their mean squared difference."""
    a, b = (array.reshape(len(array), -1) for array in (pictures, among))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return squares.argmin(axis=1), np.sqrt(np.maximum(squares.min(axis=1), 0) / a.shape[1])
