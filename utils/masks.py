"""What the numbers of masks mean: object or not, classes, or objects. Decided by looks at all masks of a folder.

A mask's code is its number, or for colours ``red * 65536 + green * 256 + blue``.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools

import numpy as np
from scipy import ndimage
from skimage import measure

from utils.layouts import listed

_WHITE, _GREY, _PACKED = 0xFFFFFF, 0x010101, (65536, 256, 1)
_VOID_NAMES = {"void", "ignore", "ignored", "unlabelled", "unlabeled"}
_VOIDS = (255, 65535, 254, 250, 100, 99, 127, 32767)
_NEAREST = "resize and turn masks with nearest neighbours only, and save them as PNG"


@dataclasses.dataclass
class Look:
    """What one mask holds; all arrays run over its codes."""

    codes: np.ndarray  # int64, in rising order
    colours: np.ndarray  # int64, the same as packed colours; -1 where a number is no grey
    source: str  # "numbers", "palette" or "colours"
    counts: np.ndarray  # pixels
    areas: list  # for each code the pixels of each connected part, also by corners
    first: np.ndarray  # the number of the first part, counted row by row
    border: np.ndarray  # pixels on the border of the image
    light: np.ndarray  # mean of each channel of the image there, (codes, C)
    meets: dict  # pairs of codes -> how often they lie side by side, in masks of three codes at most


@dataclasses.dataclass
class Meaning:
    """What the codes of all masks of a folder stand for."""

    kind: str = "mask"  # or "classes", "objects"
    by_colour: bool = False  # codes are colours, also those of numbers and palettes
    targets: dict = dataclasses.field(default_factory=dict)  # code -> class; for objects 1 for any object
    void: list = dataclasses.field(default_factory=list)  # codes whose pixels do not count
    names: list = dataclasses.field(default_factory=lambda: ["background", "object"])  # of the classes
    said: list = dataclasses.field(default_factory=list)  # lines for the report
    doubts: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)


# ---- One mask ----------------------------------------------------------------------------------------------------------


def encoded(pixels, by_colour=False) -> np.ndarray:
    """The codes of a mask that was read, integers ``(H, W)``; as colours if that is asked for."""
    array = pixels.array
    if array.ndim == 3:
        red, green, blue = (array[..., k].astype(np.int32) for k in range(3))
        return (red << 16) + (green << 8) + blue
    if by_colour and pixels.palette is not None:
        return (pixels.palette.astype(np.int32) @ _PACKED)[array]
    return array.astype(np.int64) * _GREY if by_colour else array


def ranked(codes):
    """The codes that occur, int64 and rising, and at each pixel the place of its code among them."""
    if codes.min() >= 0 and codes.max() < 2**24:
        there = np.zeros(int(codes.max()) + 1, bool)
        there[codes] = True
        values = np.flatnonzero(there)
        places = np.zeros(len(there), np.uint8 if len(values) < 256 else np.int32)
        places[values] = np.arange(len(values))
        return values.astype(np.int64), places[codes]
    values, places = np.unique(codes, return_inverse=True)
    return values.astype(np.int64), places.reshape(codes.shape).astype(np.int32)


def look(pixels, image, drawn=True) -> Look:
    """Look at one mask and its image; a ValueError says if a drawn mask was damaged on its way."""
    codes, index = ranked(encoded(pixels))
    areas, first, sizes = _parts(index, len(codes))
    if drawn and (complaint := _damage(pixels.array, codes, index, sizes)):
        raise ValueError(complaint)
    source = "colours" if pixels.array.ndim == 3 else "numbers" if pixels.palette is None else "palette"
    colours = codes if source == "colours" else np.where((codes >= 0) & (codes < 256), codes * _GREY, -1)
    if source == "palette":
        colours = (pixels.palette.astype(np.int64) @ _PACKED)[codes]
    edge = np.concatenate([index[0], index[-1], index[1:-1, 0], index[1:-1, -1]])
    step = max(1, min(index.shape) // 256)
    few = index[::step, ::step].ravel()
    counts, border, seen = (np.bincount(one.ravel(), minlength=len(codes)) for one in (index, edge, few))
    channels = image[::step, ::step].reshape(len(few), -1).T
    light = np.stack([np.bincount(few, one, len(codes)) / np.maximum(seen, 1) for one in channels], axis=-1)
    return Look(codes, colours, source, counts, areas, first, border, light, _contacts(index, codes))


def _parts(index, count):
    """For each code the pixels of its connected parts and the number of the first; for each pixel the size of its part."""
    parts = measure.label(index, background=-1, connectivity=2)
    sizes = np.bincount(parts.ravel()).astype(np.int32)
    owner = np.zeros(len(sizes), np.int32)
    owner[parts] = index
    order = np.argsort(owner[1:], kind="stable")
    ends = np.cumsum(np.bincount(owner[1:], minlength=count))[:-1]
    return np.split(sizes[1:][order], ends), order[np.append(0, ends)], sizes[parts]


def _contacts(index, codes):
    """Pairs of codes -> how often they lie side by side; only counted in masks of two or three codes."""
    if len(codes) > 3:
        return {}
    counts = np.zeros(9, int)
    for a, b in ((index[1:], index[:-1]), (index[:, 1:], index[:, :-1])):
        counts += np.bincount(3 * a[a != b] + b[a != b], minlength=9)
    few = itertools.combinations(range(len(codes)), 2)
    return {(codes[i], codes[j]): counts[3 * i + j] + counts[3 * j + i] for i, j in few}


# ---- Damage ------------------------------------------------------------------------------------------------------------


def _damage(array, codes, index, sizes) -> str | None:
    """What a mask suffered: interpolation, JPEG, or it is no mask at all. Two values cannot be any of these."""
    if len(codes) <= 2:
        return None
    flat = _flat(index)
    counts, flat_counts = np.bincount(index.ravel()), np.bincount(index[flat], minlength=len(codes))
    if len(codes) >= 32 and flat.mean() < 0.5 and flat_counts[counts.argmax()] < 0.5 * index.size:
        return f"is an image, not a mask: {len(codes)} values, no areas of one value. Are images and masks exchanged?"
    ramps, edges = _ramps(array, index, ~flat)
    between, usual = ramps.sum(), ramps.argmax()
    boundary_class = ramps[usual] > 0.98 * between and flat_counts[usual] < 0.02 * counts[usual]
    noisy = between < 0.62 * np.sum(~flat) or (flat.mean() < 0.8 and len(codes) < 32)
    if between < 10 or between <= 0.1 * edges or boundary_class or noisy:
        between = _specks(index, sizes)
    what = (
        f"it holds {len(codes)} values, those of {between / index.size:.2%} of the pixels at edges, between two others"
    )
    return f"was interpolated, or saved as JPEG: {what}. Go back to the original; {_NEAREST}." if between else None


def _specks(index, sizes):
    """How many specks lie at edges and are of neither side, as JPEG leaves them; 0 if few do, or as many lie elsewhere."""
    area, speck = sizes >= 32, sizes <= 4
    middle = tuple(slice(max(0, side // 2 - 1024), side // 2 + 1024) for side in index.shape)  # of a large mask
    index, area, speck = index[middle].astype(np.int32), area[middle], speck[middle]
    high = ndimage.maximum_filter(np.where(area, index, -1), 13)
    low = ndimage.minimum_filter(np.where(area, index, index.max() + 1), 13)
    edge = (high > low) & (high >= 0)
    near = np.argwhere(speck & edge)
    if len(near) < 12 or area.mean() < 0.5:
        return 0
    chosen = near[np.linspace(0, len(near) - 1, 200).astype(int)]
    around = [np.s_[max(row - 6, 0) : row + 7, max(column - 6, 0) : column + 7] for row, column in chosen]
    foreign = np.mean([index[tuple(at)] not in index[here][area[here]] for at, here in zip(chosen, around)])
    share, many = len(near) / speck.sum(), foreign * len(near)
    few = 0.002 if share > 0.95 else 0.006 if share > 0.6 else 0.1
    few = 0.1 if edge.mean() > 0.7 else few
    return many if share > 0.05 and foreign > 0.4 and many > few * edge.sum() else 0


def _flat(index):
    """Pixels that lie in a square of 2 x 2 of one value."""
    right, down = index[:, :-1] == index[:, 1:], index[:-1] == index[1:]
    square = np.pad(right[:-1] & right[1:] & down[:, :-1], 1)
    return square[:-1, :-1] | square[:-1, 1:] | square[1:, :-1] | square[1:, 1:]


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


def decide(looks, kind=None, names=None) -> Meaning:
    """Decide what the codes of all masks mean. Where codes are colours, those of all looks become so.

    ``names``: value or colour ``(r, g, b)`` -> name, from a table.
    """
    meaning = Meaning(by_colour=_by_colour(looks))
    table = _table(names or {}, meaning.by_colour, looks)
    totals = collections.Counter()
    for look in looks:
        look.codes = look.colours if meaning.by_colour else look.codes
        for code, count in zip(look.codes.tolist(), look.counts.tolist()):
            totals[code] += count
    if kind is None and (trimap := _trimap(looks, totals)):
        one, zero, border = trimap
        meaning.targets, meaning.void = {one: 1, zero: 0, border: 0}, [border]
        meaning.said.append(f"a trimap: {one} becomes object, {zero} background, {border} (border) void with weight 0")
        return meaning
    if meaning.by_colour and any(look.source == "numbers" and not set(look.codes) <= {0, _WHITE} for look in looks):
        meaning.doubts.append("some masks hold numbers, others colours; save all alike, or look at the classes.")
    meaning.void = _voids(looks, sorted(totals), table)
    if meaning.void:
        share = sum(totals[code] for code in meaning.void) / sum(totals.values())
        shown = listed(shown_code(code, meaning.by_colour, table) for code in meaning.void)
        meaning.said.append(f"void: {shown}, {percent(share)} of the pixels; they get weight 0 and count as nothing")
    codes = [code for code in sorted(totals) if code not in meaning.void]
    if table and meaning.by_colour and (unknown := [code for code in codes if code not in table]):
        shown = listed(shown_code(code, True) for code in unknown)
        many = f"{len(unknown)} colours of the masks are not in the table of classes: {shown}"
        meaning.problems.append(f"{many}. Add them, or {_NEAREST}, if they lie at edges.")
    whites = len(codes) > 2 and 0 in codes and set(codes) <= {0, 1, 255, 65535, _WHITE}
    if two_ways := whites and all(len(set(look.codes) - {0}) < 2 for look in looks):
        shown = listed(shown_code(code, meaning.by_colour) for code in codes if code)
        meaning.doubts.append(f"the object has another value from mask to mask ({shown}); all are taken as one.")
    meaning.kind = kind or ("mask" if len(codes) <= 2 or two_ways else None)
    if meaning.kind is None:
        meaning.kind = "classes" if len(table) > 2 else _classes_or_objects(looks, codes, meaning)
    _number(meaning, looks, codes, table)
    return meaning


def _by_colour(looks):
    """Whether codes are compared as colours: any mask has colours, or palettes do not agree on what a number is."""
    known, disagree = {}, any(look.source == "colours" for look in looks)
    for look in looks:
        if look.source == "palette":
            for code, colour in zip(look.codes.tolist(), look.colours.tolist()):
                disagree |= known.setdefault(code, colour) != colour
    black_elsewhere = known.get(0, 0) != 0 and 0 in known.values()
    return (disagree or black_elsewhere) and all((look.colours >= 0).all() for look in looks)


def _table(names, by_colour, looks):
    """Code -> name for the entries of a table that are of the masks' sort."""
    colours = {int(np.dot(key, _PACKED)): name for key, name in names.items() if isinstance(key, tuple)}
    if by_colour:
        return colours
    found = {int(code): int(colour) for look in looks for code, colour in zip(look.codes, look.colours)}
    numbers = {key: name for key, name in names.items() if isinstance(key, int)}
    return numbers or {code: colours[colour] for code, colour in found.items() if colour in colours}


def _trimap(looks, totals):
    """Object, background and border of a trimap: 1, 2, 3 or 255, 0, 128, if the first two hardly ever touch."""
    meets = sum((collections.Counter(look.meets) for look in looks), collections.Counter())
    for one, zero, border in ((1, 2, 3), (255, 0, 128), (255, 0, 127)):
        if set(totals) == {one, zero, border} and all(look.source == "numbers" for look in looks):
            few = meets[min(one, zero), max(one, zero)] < 0.1 * sum(meets.values())
            return (one, zero, border) if few and totals[border] < 0.5 * (totals[one] + totals[zero]) else None
    return None


def _voids(looks, codes, table):
    """Codes that mean: do not count this pixel. By name, or far from all others and beside two of them in a mask."""
    named = [code for code in codes if table.get(code, "").casefold() in _VOID_NAMES]
    if named and len(codes) - len(named) >= 2:
        return named
    third = {code for look in looks if len(look.codes) > 2 for code in (int(look.codes.min()), int(look.codes.max()))}
    void = [codes[0]] if len(codes) > 3 and codes[0] < 0 and 0 in codes and codes[0] in third else []
    codes = codes[len(void) :]
    if len(codes) > 2 and codes[-1] in set(_VOIDS) & third - set(table):
        void += [codes[-1]] * bool(codes[-1] - codes[-2] > 8 * max(np.diff(codes[:-1])))
    return void


def _classes_or_objects(looks, codes, meaning):
    """Objects are one piece each, and their number differs; classes come again from mask to mask, in several pieces."""
    fits = [(look.codes != 0) & ~np.isin(look.codes, meaning.void) for look in looks]
    sets = [look.codes[fit].tolist() for look, fit in zip(looks, fits)]
    one = np.mean([len(parts) == 1 for look, fit in zip(looks, fits) for parts, own in zip(look.areas, fit) if own])
    most = max(map(len, sets))
    counting = np.mean([own == list(range(1, len(own) + 1)) for own in sets if own])
    if 0 not in codes or one < 0.6 or (one < 0.9 and most < 8):
        return "classes" if most < 40 or one < 0.3 else "objects"
    if len(codes) > 60 or (most >= 8 and not _alike(looks, codes)):
        return "objects"
    if len(sets) > 1 and min(map(len, sets)) > 1 and len(codes) - 1 == sum(map(len, sets)):  # no number comes again
        return "objects"
    same = len(looks) > 1 and len({tuple(own) for own in sets if own}) == 1
    in_order = all(len(own) < 8 and (np.diff(look.first[fit]) > 0).all() for look, fit, own in zip(looks, fits, sets))
    if most >= 8 or counting < 0.5 or (same and not (in_order and len(looks) * most >= 12)):
        found, other = "classes", "objects"
        because = "the same numbers come again" if same or most >= 8 else "numbers are left out"
    else:
        found, other = "objects", "classes"
        because = "each number is one piece" + ("" if same else ", and their count differs")
    if most <= 3 or same or found == "classes":
        meaning.doubts.append(f"read as {found}, because {because}; if they are {other}, say kind={other!r}.")
    return found


def _alike(looks, codes):
    """Whether a number has nearly the same size in image after image, as a class may have and an object has not."""
    sizes = [[np.log(n) for look in looks for n in look.counts[look.codes == code]] for code in codes if code]
    sizes = [own for own in sizes if len(own) > 2]
    if len(sizes) < 3:
        return False
    within = np.mean([np.var(own, ddof=1) for own in sizes])
    between = np.var([np.mean(own) for own in sizes], ddof=1) * np.mean([len(own) for own in sizes])
    return bool(between > 6 * within)


def _number(meaning, looks, codes, table):
    """Give each code its class, and each class its name."""
    if meaning.kind == "classes":
        order = list(table)  # empty: by number
        classes = sorted(codes, key=lambda code: (order.index(code) if code in table else len(order), code))
        meaning.targets = {code: number for number, code in enumerate(classes)}
        meaning.names = [shown_code(code, meaning.by_colour, table) for code in classes]
        if not table and 0 in classes and not meaning.by_colour:
            meaning.names[classes.index(0)] = "background"
    else:
        background = 0 if 0 in codes or len(codes) == 1 else _background(meaning, looks, codes)
        meaning.targets = {code: int(code != background) for code in codes}
        if meaning.kind == "mask" and len(codes) == 2:
            meaning.names[1] = table.get(max(codes, key=lambda code: code != background), "object")
    meaning.targets |= dict.fromkeys(meaning.void, 0)


def _background(meaning, looks, codes):
    """The code of the background where none is 0 or black: of two the one at the borders; a problem if there are more."""
    if meaning.kind == "objects" or len(codes) > 2:
        shown = shown_code(codes[0], meaning.by_colour)
        meaning.problems.append(
            f"the masks have no background (0 or black); their smallest number is {shown}. Save it as 0, or say kind='classes'."
        )
        return codes[0]
    background = max(codes, key=lambda code: sum(int(look.border[look.codes == code].sum()) for look in looks))
    shown = shown_code(background, meaning.by_colour)
    meaning.doubts.append(f"no mask holds 0 or black: {shown}, the value at the borders, is taken as background.")
    return background


def shown_code(code, by_colour, table=None):
    """A code for a reader: its name, its number, or its colour."""
    shown = f"({code >> 16}, {code >> 8 & 255}, {code & 255})" if by_colour else str(code)
    return table[code] if table and code in table else shown


def percent(share):
    """A share for a reader: 12 %, 0.3 %."""
    return f"{100 * share:.0f} %" if share >= 0.095 or share == 0 else f"{100 * share:.2g} %"
