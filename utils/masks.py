"""What the numbers of masks mean: object or not, classes, or objects. Decided by looks at all masks of a folder.

A mask's code is its number, or for colours ``red * 65536 + green * 256 + blue``.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage
from skimage import measure

from utils.layouts import listed

WHITE, _GREY = 0xFFFFFF, 0x010101
_VOID_NAMES = {"void", "ignore", "ignored", "unlabelled", "unlabeled"}
_VOIDS = (255, 65535, 254, 250, 100, 99, 127, 32767)
_NEAREST = "resize and turn masks with nearest neighbours only, and save them as PNG"


@dataclasses.dataclass
class Look:
    """What one mask holds; all arrays run over its codes.

    Attributes:
        name: of the pair.
        codes: int64, in rising order.
        colours: int64, the same as packed colours; -1 where a number is no grey.
        source: ``"numbers"``, ``"palette"`` or ``"colours"``.
        counts: pixels.
        pieces: connected parts, also by their corners.
        border: pixels on the border of the image.
        light: mean brightness of the image there, on a scale of its own.
        first: the place of the first pixel, row by row.
        areas: pixels of each connected part, in a list for each code.
        meets: pixels where two codes of 1, 2, 3 touch: 1 with 2, all others.
    """

    name: str
    codes: np.ndarray
    colours: np.ndarray
    source: str
    counts: np.ndarray
    pieces: np.ndarray
    border: np.ndarray
    light: np.ndarray
    first: np.ndarray
    areas: list
    meets: tuple

    def keys(self, by_colour):
        """The codes as they are compared between masks."""
        return self.colours if by_colour else self.codes


@dataclasses.dataclass
class Meaning:
    """What the codes of all masks of a folder stand for.

    Attributes:
        kind: ``"mask"``, ``"classes"`` or ``"objects"``.
        by_colour: codes are colours, also those of numbers and palettes.
        targets: code -> class; for objects, 0 for the background and 1 for any object.
        void: codes whose pixels do not count.
        names: of the classes.
        said, doubts, problems: lines for the report.
    """

    kind: str = "mask"
    by_colour: bool = False
    targets: dict = dataclasses.field(default_factory=dict)
    void: list = dataclasses.field(default_factory=list)
    names: list = dataclasses.field(default_factory=list)
    said: list = dataclasses.field(default_factory=list)
    doubts: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)


# ---- One mask ----------------------------------------------------------------------------------------------------------


def encoded(pixels, by_colour=False) -> np.ndarray:
    """The codes of a mask that was read, integers ``(H, W)``; as colours if that is asked for."""
    array = pixels.array
    if array.ndim == 3:
        red, green, blue = (array[..., k].astype(np.int32) for k in range(3))
        return (red << 16) + (green << 8) + blue
    if not by_colour:
        return array
    if pixels.palette is not None:
        return (pixels.palette.astype(np.int32) @ [65536, 256, 1])[array]
    return array.astype(np.int64) * _GREY


def ranked(codes):
    """The codes that occur, int64 and rising, and at each pixel the place of its code among them."""
    if codes.dtype == bool or (codes.min() >= 0 and codes.max() < 2**24):
        there = np.zeros(int(codes.max()) + 1, bool)
        there[codes] = True
        values = np.flatnonzero(there)
        places = np.zeros(len(there), np.uint8 if len(values) < 256 else np.int32)
        places[values] = np.arange(len(values))
        return values.astype(np.int64), places[codes]
    values, places = np.unique(codes, return_inverse=True)
    return values.astype(np.int64), places.reshape(codes.shape).astype(np.int32)


def look(pixels, image, name, drawn=True) -> Look:
    """Look at one mask and its image; a ValueError says if a drawn mask was damaged on its way."""
    codes, index = ranked(encoded(pixels))
    if drawn and (complaint := damage(pixels.array, codes, index)):
        raise ValueError(complaint)
    source = "colours" if pixels.array.ndim == 3 else "numbers" if pixels.palette is None else "palette"
    colours = codes if source == "colours" else np.where((codes >= 0) & (codes < 256), codes * _GREY, -1)
    if source == "palette":
        colours = (pixels.palette.astype(np.int64) @ [65536, 256, 1])[codes]
    edge = np.concatenate([index[0], index[-1], index[1:-1, 0], index[1:-1, -1]])
    step = max(1, min(index.shape) // 512)
    grey = image[::step, ::step].astype(np.float64)
    grey = grey if grey.ndim == 2 else grey.mean(axis=-1)
    few, count = index[::step, ::step].ravel(), len(codes)
    light = np.bincount(few, grey.ravel(), count) / np.maximum(np.bincount(few, minlength=count), 1)
    areas, first = _pieces(index, count)
    return Look(
        name, codes, colours, source, np.bincount(index.ravel(), minlength=count), np.array([len(a) for a in areas]),
        np.bincount(edge, minlength=count), light, first, areas, _contacts(pixels.array, codes),
    )  # fmt: skip


def _pieces(index, count):
    """For each place among the codes the pixels of its connected parts, and where it comes first."""
    if count <= 8:
        areas, first = [], []
        for place in range(count):
            there = index == place
            parts = ndimage.label(there, np.ones((3, 3)))[0]
            areas.append(np.bincount(parts.ravel())[1:])
            first.append(int(there.argmax()))
        return areas, np.array(first)
    parts = measure.label(index.astype(np.int32) + 1, background=0, connectivity=2)
    sizes = np.bincount(parts.ravel())[1:]
    owner = np.zeros(len(sizes) + 1, np.int64)
    owner[parts.ravel()] = index.ravel()
    order = np.argsort(owner[1:], kind="stable")
    areas = np.split(sizes[order], np.cumsum(np.bincount(owner[1:], minlength=count))[:-1])
    return areas, np.zeros(count, np.int64)


def _contacts(array, codes):
    """How often 1 lies beside 2, and how often 3 lies beside either; only counted if all codes are of 1, 2, 3."""
    if array.ndim == 3 or not set(codes) <= {1, 2, 3}:
        return 0, 0
    sides = [(array[1:], array[:-1]), (array[:, 1:], array[:, :-1])]
    products = [(a[a != b].astype(int) * b[a != b]) for a, b in sides]
    return sum(int((p == 2).sum()) for p in products), sum(int((p > 2).sum()) for p in products)


def damage(array, codes, index) -> str | None:
    """What a mask suffered: interpolation, JPEG, or it is no mask at all. Two values cannot be any of these."""
    if len(codes) <= 2:
        return None
    flat = _flat(index)
    counts = np.bincount(index.ravel())
    flat_counts = np.bincount(index[flat], minlength=len(counts))
    if len(codes) >= 32 and flat.mean() < 0.5 and flat_counts[counts.argmax()] < 0.5 * index.size:
        return (
            f"is an image, not a mask: {len(codes)} values, and no areas of one value. Are images and masks exchanged?"
        )
    if _clouded(array, codes, counts, flat_counts):
        return _interpolated(len(codes), 1 - np.sort(counts)[-2:].sum() / index.size)
    ramps, edges = _ramps(array, index, ~flat)
    between, usual = ramps.sum(), ramps.argmax()
    boundary_class = ramps[usual] > 0.98 * between and flat_counts[usual] < 0.02 * counts[usual]
    noisy = between < 0.62 * np.sum(~flat) or (flat.mean() < 0.8 and len(codes) < 32)
    if between >= 10 and between > 0.1 * edges and not boundary_class and not noisy:
        return _interpolated(len(codes), between / index.size)
    return None


def _clouded(array, codes, counts, flat_counts):
    """Whether rare values without any area surround frequent ones, as JPEG and soft brushes leave them."""
    top = np.argsort(counts)[-2:]
    far = array.ndim == 3 or abs(codes[top[1]] - codes[top[0]]) >= 100
    groups = [top[:1], top[1:]] if len(codes) >= 6 and far else []
    if not groups and array.ndim == 2:
        groups = np.split(np.arange(len(codes)), np.flatnonzero(np.diff(codes) > 8) + 1)
    tops = np.array([group[counts[group].argmax()] for group in groups], int)
    rest = np.setdiff1d(np.arange(len(codes)), tops)
    frequent = tops[counts[tops] > 0.005 * counts.sum()]
    if len(frequent) < 2 or len(rest) < 2 or (array.ndim == 2 and np.ptp(codes[frequent]) < 40):
        return False
    return flat_counts[rest].sum() < 0.5 * counts[rest].sum() < 0.1 * counts.sum()


def _interpolated(values, share):
    return (
        f"was interpolated, or saved as JPEG: it holds {values} values, and those of {share:.1%} of the pixels lie at edges, "
        f"between two others. Go back to the original; {_NEAREST}."
    )


def _flat(index):
    """Pixels that lie in a square of 2 x 2 of one value."""
    right, down = index[:, :-1] == index[:, 1:], index[:-1] == index[1:]
    square = right[:-1] & right[1:] & down[:, :-1]
    flat = np.zeros(index.shape, bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            flat[rows, columns] |= square
    return flat


def _ramps(array, index, thin):
    """For each code its thin pixels that lie strictly between their two neighbours in a line; and how many edges there are."""
    ramp = np.zeros(index.shape, bool)
    for channel in [array] if array.ndim == 2 else np.moveaxis(array, -1, 0):
        for values, found in ((channel, ramp), (channel.T, ramp.T)):
            low, here, high = values[:-2], values[1:-1], values[2:]
            found[1:-1] |= ((low < here) & (here < high)) | ((low > here) & (here > high))
    edges = sum(int((values[1:] != values[:-1]).sum()) for values in (index, index.T))
    return np.bincount(index[ramp & thin], minlength=int(index.max()) + 1), edges


# ---- All masks of a folder -------------------------------------------------------------------------------------------


def decide(looks, kind=None, names=None, one_file_an_object=False) -> Meaning:
    """Decide what the codes of all masks mean.

    Args:
        looks: one for each mask.
        kind: ``"mask"``, ``"classes"`` or ``"objects"`` if the reader has said so.
        names: value or colour ``(r, g, b)`` -> name, from a table; may be empty.
        one_file_an_object: the masks were put together from files of one object each.
    """
    meaning = Meaning(by_colour=_by_colour(looks))
    table = _table(names or {}, meaning.by_colour, looks)
    keys = [look.keys(meaning.by_colour) for look in looks]
    totals = _totals(looks, keys)
    if kind is None and _is_trimap(looks, totals):
        return _trimap(meaning)
    meaning.void = _voids(keys, totals, table)
    if meaning.void:
        shares = sum(totals[code] for code in meaning.void) / sum(totals.values())
        shown = listed(shown_code(code, meaning.by_colour, table) for code in meaning.void)
        meaning.said.append(f"void: {shown}, {percent(shares)} of the pixels; they get weight 0 and count as nothing")
    codes = [code for code in totals if code not in meaning.void]
    if table and meaning.by_colour and (unknown := [code for code in codes if code not in table]):
        shown = listed(shown_code(code, True) for code in unknown)
        meaning.problems.append(
            f"{len(unknown)} colours of the masks are not in the table of classes: {shown}. "
            f"Add them, or {_NEAREST}, if they lie at edges."
        )
    whites = {1, 255, 65535, WHITE}
    two_ways = len(codes) > 2 and 0 in codes and set(codes) <= whites | {0} and all(len(set(k) - {0}) < 2 for k in keys)
    meaning.kind = kind or ("objects" if one_file_an_object else "mask" if len(codes) <= 2 or two_ways else None)
    if meaning.kind is None:
        meaning.kind = "classes" if table and len(table) > 2 else _classes_or_objects(looks, keys, codes, meaning)
    if two_ways:
        shown = listed(shown_code(code, meaning.by_colour) for code in codes if code)
        meaning.doubts.append(f"the object has another value from mask to mask ({shown}); all are taken as one.")
    _number(meaning, looks, keys, codes, table)
    return meaning


def _by_colour(looks):
    """Whether codes are compared as colours: any mask has colours, or palettes do not agree on what a number is."""
    colourful = any(look.source == "colours" for look in looks)
    if any((look.colours < 0).any() for look in looks):
        return False
    known, disagree = {}, False
    for look in looks:
        if look.source == "palette":
            for code, colour in zip(look.codes.tolist(), look.colours.tolist()):
                disagree |= known.setdefault(code, colour) != colour
    black_elsewhere = known.get(0, 0) != 0 and 0 in known.values()
    return colourful or disagree or black_elsewhere


def _table(names, by_colour, looks):
    """Code -> name for the entries of a table that are of the masks' sort."""
    if by_colour:
        return {(r << 16) + (g << 8) + b: name for (r, g, b), name in _of(names, tuple)}
    numbers = dict(_of(names, int))
    colours = {(r << 16) + (g << 8) + b: name for (r, g, b), name in _of(names, tuple)}
    found = {int(code): int(colour) for look in looks for code, colour in zip(look.codes, look.colours)}
    return numbers or {code: colours[colour] for code, colour in found.items() if colour in colours}


def _of(names, kind):
    return [(key, name) for key, name in names.items() if isinstance(key, kind)]


def _totals(looks, keys):
    """Code -> its pixels in all masks, in rising order."""
    totals = {}
    for look, own in zip(looks, keys):
        for code, count in zip(own.tolist(), look.counts.tolist()):
            totals[code] = totals.get(code, 0) + count
    return dict(sorted(totals.items()))


def _is_trimap(looks, totals):
    """1, 2 and 3, where 3 is a border: 1 and 2 hardly ever touch without it."""
    if set(totals) != {1, 2, 3} or any(look.source == "colours" for look in looks):
        return False
    direct, others = (sum(look.meets[k] for look in looks) for k in (0, 1))
    return direct < 0.1 * (direct + others) and totals[3] < 0.5 * (totals[1] + totals[2])


def _trimap(meaning):
    meaning.targets, meaning.void, meaning.names = {1: 1, 2: 0, 3: 0}, [3], ["background", "object"]
    meaning.said.append("a trimap: 1 becomes object, 2 background, 3 (the border) void with weight 0")
    return meaning


def _voids(keys, totals, table):
    """Codes that mean: do not count this pixel."""
    named = [code for code in totals if table.get(code, "").casefold() in _VOID_NAMES]
    if named and len(totals) - len(named) >= 2:
        return named
    codes = list(totals)
    void = []
    if len(codes) > 3 and codes[0] < 0 and 0 in codes and any(len(own) > 2 and codes[0] in own for own in keys):
        void.append(codes.pop(0))
    if len(codes) > 2 and codes[-1] in _VOIDS and codes[-1] not in table:
        far = codes[-1] - codes[-2] > 8 * max(np.diff(codes[:-1]))
        if far and any(len(own) > 2 and codes[-1] in own for own in keys):
            void.append(codes[-1])
    return void


def _classes_or_objects(looks, keys, codes, meaning):
    """Objects are one piece each, and their number differs; classes come again from mask to mask, in several pieces."""
    pieces, sets, ordered = [], [], []
    for look, own in zip(looks, keys):
        fit = np.array([bool(code) and code not in meaning.void for code in own.tolist()])
        pieces += look.pieces[fit].tolist()
        sets.append(own[fit].tolist())
        ordered.append(len(own) <= 8 and (np.diff(look.first[fit]) > 0).all())
    one = np.mean(np.array(pieces) == 1)
    most = max(map(len, sets))
    counting = np.mean([own == list(range(1, len(own) + 1)) for own in sets if own])
    if 0 not in codes or one < 0.6 or (one < 0.9 and most < 8):
        return "classes" if most < 40 or one < 0.3 else "objects"
    if len(codes) > 60 or (most >= 8 and not _alike(looks, keys, codes)):
        return "objects"
    same = len(looks) > 1 and len({tuple(own) for own in sets if own}) == 1
    if most >= 8 or counting < 0.5 or (same and not (all(ordered) and len(looks) * most >= 12)):
        found = "classes"
        because = "the same numbers come again" if same or most >= 8 else "numbers are left out"
    else:
        found, because = "objects", "each number is one piece" + ("" if same else ", and their count differs")
    if most <= 3 or same or found == "classes":
        other = "objects" if found == "classes" else "classes"
        meaning.doubts.append(f"read as {found}, because {because}; if they are {other}, say kind={other!r}.")
    return found


def _alike(looks, keys, codes):
    """Whether a number has nearly the same size in image after image, as a class may have and an object has not."""
    sizes = [[np.log(n) for look, own in zip(looks, keys) for n in look.counts[own == code]] for code in codes if code]
    sizes = [own for own in sizes if len(own) > 2]
    if len(sizes) < 3:
        return False
    within = np.mean([np.var(own, ddof=1) for own in sizes])
    between = np.var([np.mean(own) for own in sizes], ddof=1) * np.mean([len(own) for own in sizes])
    return bool(between > 6 * within)


def _number(meaning, looks, keys, codes, table):
    """Give each code its class, and each class its name."""
    background = _background(meaning, looks, keys, codes)
    others = [code for code in codes if code != background]
    if meaning.kind == "classes":
        order = list(table)  # empty: by number
        classes = sorted(codes, key=lambda code: (order.index(code) if code in table else len(order), code))
        meaning.targets = {code: number for number, code in enumerate(classes)}
        meaning.names = [shown_code(code, meaning.by_colour, table) for code in classes]
        if not table and 0 in classes and not meaning.by_colour:
            meaning.names[classes.index(0)] = "background"
    else:
        meaning.targets = {code: int(code != background) for code in codes}
        word = table.get(others[0], "object") if table and len(others) == 1 and meaning.kind == "mask" else "object"
        meaning.names = ["background", word]
    meaning.targets |= dict.fromkeys(meaning.void, 0)


def _background(meaning, looks, keys, codes):
    """The code of the background: 0 or black, or of two others the one at the borders; None if classes have none."""
    if 0 in codes or meaning.kind == "classes":
        return 0 if 0 in codes else None
    if len(codes) == 1:
        return None
    if meaning.kind == "objects" or len(codes) > 2:
        shown = shown_code(codes[0], meaning.by_colour)
        meaning.problems.append(
            f"the masks have no background (0 or black); their smallest number is {shown}. "
            "Save the background as 0, or say kind='classes' if every number is a class."
        )
        return codes[0]
    border = {code: sum(int(n) for look, own in zip(looks, keys) for n in look.border[own == code]) for code in codes}
    background = max(codes, key=border.get)
    other = next(code for code in codes if code != background)
    shown = [shown_code(code, meaning.by_colour) for code in (background, other)]
    meaning.doubts.append(
        f"no mask holds 0 or black: {shown[0]}, the value at the borders, is taken as background, {shown[1]} as object."
    )
    return background


def shown_code(code, by_colour, table=None):
    """A code for a reader: its name, its number, or its colour."""
    shown = f"({code >> 16}, {code >> 8 & 255}, {code & 255})" if by_colour else str(code)
    return table[code] if table and code in table else shown


def percent(share):
    """A share for a reader: 12 %, 0.3 %."""
    return f"{100 * share:.0f} %" if share >= 0.095 or share == 0 else f"{100 * share:.2g} %"
