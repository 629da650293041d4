"""A folder of images and masks as a data set: any layout, any kind of mask, and in words what was found and what is wrong.

::

    mine = folders.read("my_images")    # images/ and masks/, a_mask.png beside a.jpg, VOC, COCO, ...
    folders.report(mine)                # what a colleague would say after a look
    train, validation = mine.split()
    pair = train[0]                     # image float32 (H, W, C), target int32 (H, W), weight float32 (H, W) or None
"""

from __future__ import annotations

import collections
import dataclasses
import time
import zlib
from pathlib import Path

import numpy as np
from IPython import get_ipython
from PIL import Image
from skimage import measure

from utils import files, layouts, masks, validate
from utils.layouts import listed
from utils.masks import percent
from utils.nuclei import QUADRANTS, nuclei, nuclei_card, quadrant

__all__ = [
    "QUADRANTS", "Folder", "Pair", "export", "load", "load_labels", "nuclei", "nuclei_card", "quadrant", "read", "report",
]  # fmt: skip

KINDS = ("mask", "classes", "objects")
_ONE_PAIR = "one pair only: add a second one, or train on one half and validate on the other: split(by_region=True)."


def export(samples, folder, overwrite=False) -> Path:
    """Write images and masks as PNG files, masks as 0 and 255, and return the folder. :func:`load` reads it.

    Args:
        samples: anything with ``images``, float ``(N, H, W, 3)``, 0..1, and ``masks``, ``(N, H, W, 1)``, 0 or 1.
        folder: where to write; made if it does not exist.
        overwrite: write even if the folder holds something. Files of the same names are replaced, others never touched.

    Raises:
        FileExistsError: the folder is not empty, or holds older images that would mix with the new ones.
        ValueError: no pairs of images and masks.
    """
    folder = Path(folder).expanduser()
    images, targets = validate.pair(samples.images, samples.masks)
    if images.shape[-1] != 3:
        raise ValueError(f"images have {images.shape[-1]} channels; give 3. Grey ones: images.repeat(3, axis=-1).")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(f"{folder} is not empty; choose another folder or pass overwrite=True.")
    names = [f"{number:05d}.png" for number in range(len(images))]
    if older := {path.name for part in ("images", "masks") for path in (folder / part).glob("*.png")} - set(names):
        what = f"{folder} holds {listed(older)}, which would mix with the images to write"
        raise FileExistsError(f"{what}. Nothing is ever removed: choose another folder or remove them yourself.")
    for part, arrays in (("images", images), ("masks", targets[..., 0])):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, array in zip(names, arrays):
            Image.fromarray(np.rint(array * 255.0).astype(np.uint8)).save(folder / part / name)
    return folder


# ---- The data set ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Pair:
    """One image and what is known about each of its pixels.

    Attributes:
        name: of the image, without its ending.
        image: float32 ``(H, W, C)``, 0..1; C is 1 for grey, 3 for colour.
        target: int32 ``(H, W)``: 0 and 1 for a mask, 0 to K - 1 for classes, 0 and 1 to n for n objects.
        weight: float32 ``(H, W)``, 0 where a pixel is void and 1 elsewhere; None if nothing is void.
    """

    name: str
    image: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None

    @property
    def labels(self):
        """The target under the name that label maps have."""
        return self.target


@dataclasses.dataclass
class _Entry:
    """What is remembered of one pair: where it lies and what was seen there, but no pixels."""

    found: layouts.Found
    size: tuple
    look: masks.Look
    dtype: np.dtype
    low: float
    high: float
    colour: bool
    sum: int  # equal for equal images
    upright: bool = True
    part: tuple = (slice(None), slice(None))


@dataclasses.dataclass(kw_only=True)
class Folder(masks.Meaning):
    """Images and masks of a folder, read one at a time: ``len(folder)``, ``folder[k]``, ``for pair in folder``.

    Its ``kind`` is ``"mask"`` (two values), ``"classes"`` or ``"objects"``; ``names`` are those of the classes, the
    background first where there is one; ``problems`` stop, ``doubts`` need a look, ``said`` is what was found.
    """

    path: Path
    entries: list
    channels: int  # 1 if all images are grey, else 3
    ranges: dict  # number type of images -> the values that become 0 and 1
    numbers: dict | str | None = None  # of polygons, class -> code; "objects" if a mask may be several files
    by_parts: bool = False  # objects are the connected parts of masks of two values

    def __len__(self):
        return len(self.entries)

    def __iter__(self):
        self.check()
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k) -> Pair:
        """Read one pair from its files. A ValueError lists the problems, if there are any."""
        self.check()
        return self._read(self.entries[k])

    @property
    def sizes(self) -> list:
        """Height and width of each image."""
        return [tuple(len(range(n)[part]) for part, n in zip(entry.part, entry.size)) for entry in self.entries]

    @property
    def splits(self) -> list:
        """For each pair ``"train"``, ``"validation"``, ``"test"`` or None, as the folders say."""
        return [entry.found.split for entry in self.entries]

    @property
    def shares(self) -> dict:
        """Name of each class -> its share of all pixels that are not void."""
        totals = np.zeros(len(self.names))
        for look in (entry.look for entry in self.entries):
            for code, count in zip(look.codes.tolist(), look.counts.tolist()):
                totals[self.targets[code]] += count * (code not in self.void)
        return dict(zip(self.names, (totals / max(totals.sum(), 1)).tolist()))

    @property
    def object_sizes(self) -> np.ndarray:
        """Pixels of each object, or of each connected part that is not background."""
        whole, sizes = self.kind == "objects" and not self.by_parts, [np.zeros(0, np.int64)]
        for look in (entry.look for entry in self.entries):
            areas = [own for own, there in zip(look.areas, self._objects(look)) if there]
            sizes += [[own.sum()] for own in areas] if whole else areas
        return np.concatenate(sizes).astype(np.int64)

    def check(self) -> None:
        """Raise a ValueError that lists the problems, if there are any."""
        if self.problems:
            raise ValueError("\n".join([f"{self.path.name} cannot be used yet:", *(f"- {p}" for p in self.problems)]))

    def only(self, indices) -> Folder:
        """The data set of some of the pairs, by their numbers."""
        return dataclasses.replace(self, entries=[self.entries[k] for k in indices])

    def split(self, share=0.2, groups=None, seed=0, by_region=False) -> tuple[Folder, Folder]:
        """Split into pairs to train on and pairs to validate with.

        Folders for training and validation are used as given; a folder for tests is in neither part.

        Args:
            share: of the pairs to validate with, at least one pair.
            groups: what must stay together, such as slices of one patient: a function or dict of a pair's name, or a list
                with an entry for each pair.
            seed: the same seed gives the same split.
            by_region: cut every image into two halves, one to train on. For a single image; what lies at the cut is
                seen from both sides, so scores are a little too good.

        Raises:
            ValueError: there is one pair or one group only.
        """
        self.check()
        if by_region:
            return tuple(dataclasses.replace(self, entries=[_half(e, late) for e in self.entries]) for late in (0, 1))
        splits = self.splits
        if {"train", "validation"} <= set(splits):
            return tuple(self.only(np.flatnonzero([s == one for s in splits])) for one in ("train", "validation"))
        numbers = [k for k, one in enumerate(splits) if one != "test" or set(splits) == {"test"}]
        if len(numbers) < 2:
            raise ValueError(_ONE_PAIR)
        names = [entry.found.name for entry in self.entries]
        keys = names if groups is None else [groups[name] for name in names] if isinstance(groups, dict) else groups
        keys = list(map(groups, names)) if callable(groups) else list(keys)
        if len(keys) != len(names):
            raise ValueError(f"{len(keys)} groups for {len(names)} pairs; give one for each pair, test pairs counted.")
        keys = [keys[k] for k in numbers]
        order, held = sorted(set(keys), key=str), set()
        if len(order) < 2:
            raise ValueError("all pairs are one group, so none can be held out; give groups that tell sources apart.")
        np.random.default_rng(seed).shuffle(order)
        for key in order[:-1]:
            if held and sum(one in held for one in keys) + 0.5 * keys.count(key) > share * len(keys):
                break
            held.add(key)
        return tuple(self.only([k for k, key in zip(numbers, keys) if (key in held) == late]) for late in (False, True))

    def _objects(self, look):
        """For each code of a mask whether it is neither background (class 0) nor void."""
        return np.array([self.targets[code] > 0 and code not in self.void for code in look.codes.tolist()])

    def _read(self, entry, step=1):
        """A pair, or for a preview every ``step``-th pixel of it."""
        here = tuple(slice(part.start, part.stop, step) for part in entry.part)
        array = files.read_image(entry.found.image, entry.upright).array[here]
        low, high = self.ranges[entry.dtype.name]
        image = (array.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-12))
        image = np.clip(image.reshape(*array.shape[:2], -1), 0, 1)
        image = np.repeat(image, self.channels // image.shape[-1], axis=-1)
        mask = _mask_of(entry.found, entry.size, self.numbers)
        codes, index = masks.ranked(masks.encoded(mask, self.by_colour)[here])
        targets = np.array([self.targets[code] for code in codes.tolist()], np.int32)
        if self.kind == "objects" and not self.by_parts:
            targets *= np.cumsum(targets, dtype=np.int32)
        target = targets[index]
        if self.by_parts:
            target = measure.label(target, connectivity=1).astype(np.int32)
        weight = np.float32(~np.isin(codes, self.void))[index] if self.void else None
        return Pair(entry.found.name, image, target, weight)


# ---- Read --------------------------------------------------------------------------------------------------------------


def read(path, kind=None, split=None) -> Folder:
    """Find the images and masks below a folder, and look at each one. A ValueError if there is no such folder or kind.

    Args:
        path: of the folder; ``~`` is your home.
        kind: ``"mask"``, ``"classes"`` or ``"objects"``, if the masks allow several readings; by default the likeliest.
        split: ``"train"``, ``"validation"`` or ``"test"``, to take only what lies in folders of such a name.

    Returns:
        The data set. Its ``problems`` say what must be mended before it can be used, its ``doubts`` what needs a look.
    """
    validate.option("kind", kind, (None, *KINDS))
    validate.option("split", split, (None, "train", "validation", "test"))
    layout = layouts.find(path, kind)
    if split:
        layout.pairs = [found for found in layout.pairs if found.split == split]
        layout.problems += [] if layout.pairs else [f"there are no pairs in a folder for {split}."]
    kind, numbers = _of_several_files_or_polygons(layout, kind)
    entries, complaints, notes = [], [], []
    many, late = len(layout.pairs), time.monotonic() + 5
    for number, found in enumerate(layout.pairs, 1):
        try:
            entries.append(_look(found, numbers, notes))
        except _Wrong as error:
            complaints.append(error.args)
        if time.monotonic() > late and (number % 10 == 0 or number == many):
            print(f"\r{number} of {many} pairs read", end="" if number < many else "\n", flush=True)
    one_by_one = numbers == "objects" or (numbers is None and any(found.shapes is not None for found in layout.pairs))
    meaning = masks.Meaning(kind or "mask")
    if entries:
        meaning = masks.decide([entry.look for entry in entries], kind, layout.names)
    folder = Folder(
        **vars(meaning), path=Path(path).expanduser(), entries=entries, ranges=_ranges(entries), numbers=numbers,
        channels=3 if any(entry.colour for entry in entries) else 1,
    )  # fmt: skip
    mended = not folder.problems
    folder.problems = layout.problems + _grouped(complaints) + folder.problems
    folder.doubts = layout.doubts + _grouped(notes) + folder.doubts
    if entries and mended:
        two_valued = all(folder._objects(entry.look).sum() <= 1 for entry in entries)
        folder.by_parts = folder.kind == "objects" and not one_by_one and two_valued
        problems, doubts = _second_look(folder)
        folder.problems += [] if folder.problems else problems
        folder.doubts += doubts + ([_ONE_PAIR] if len(layout.pairs) == 1 else [])
    return folder


class _Wrong(Exception):
    """What is wrong with a file: its name and the words."""


def _try(path, use, *given):
    """Use a file; what goes wrong gets its name."""
    try:
        return use(*given)
    except (ValueError, OSError) as error:
        raise _Wrong(f"{path.parent.name}/{path.name}", str(error)) from None


def _look(found, numbers, notes):
    """Look at an image and its mask, and remember what was seen."""
    image, upright = _try(found.image, files.read_image, found.image), True
    size = image.array.shape[:2]
    mask = _try(found.masks[0], _mask_of, found, size, numbers)
    other = mask.array.shape[:2]
    if image.turn >= 5 and size != other == size[::-1]:
        image, upright, size = files.read_image(found.image, False), False, other
        notes.append((found.name, "the image's orientation tag is ignored: its mask fits the image as stored."))
    elif image.turn != 1 and mask.turn == 1 and (image.turn < 5 or size[0] == size[1]):
        notes.append((found.name, "the image was turned by its orientation tag; look whether its mask lies right."))
    if size != other:
        side = " The mask lies on its side." if size == other[::-1] else ""
        what = f"the image is {_sides(size)}, its mask {_sides(other)}; both need one size.{side}"
        raise _Wrong(found.name, f"{what} Resize masks with nearest neighbours only.")
    for path, pixels in ((found.image, image), (found.masks[0], mask)):
        notes += [(f"{path.parent.name}/{path.name}", f"{note}.") for note in pixels.notes]
    array = image.array
    if np.array_equal(array, mask.array) and array.min() < array.max():
        notes.append((found.name, "image and mask hold the same. Does one of them lie in the wrong folder?"))
    drawn = found.shapes is None and len(found.masks) == 1
    look, low, high = _try(found.masks[0], masks.look, mask, array, drawn), float(array.min()), float(array.max())
    return _Entry(found, size, look, array.dtype, low, high, array.ndim == 3, zlib.crc32(array), upright)


def _mask_of(found, size, numbers):
    """The mask of a pair: one file, or made of polygons or of files of one object each."""
    if found.shapes is not None:
        return files.Pixels(layouts.painted(found.shapes, size, numbers))
    if len(found.masks) == 1 and numbers != "objects":
        return files.read_mask(found.masks[0])
    labels = np.zeros(size, np.int32)
    for number, path in enumerate(found.masks, 1):
        there = _try(path, files.read_mask, path).array
        there = there if there.ndim == 2 else there.any(axis=-1)
        name = f"{path.parent.name}/{path.name}"
        if there.shape != size:
            raise _Wrong(name, f"is {_sides(there.shape)}, its image {_sides(size)}.")
        if len(masks.ranked(there)[0]) > 2:
            raise _Wrong(name, "holds more than two values although it shows one object.")
        if np.mean(labels[there > 0] > 0) > 0.5:
            raise _Wrong(name, "covers another mask of its image. By several annotators? Keep one mask for each image.")
        labels[there > 0] = number
    return files.Pixels(labels)


def _of_several_files_or_polygons(layout, kind):
    """The kind of masks of several files or of polygons, and how they are numbered. Their classes get names."""
    if layout.one_file_an_object:
        several = np.mean([len(found.masks) > 1 for found in layout.pairs])
        if kind is None and several < 0.5:
            what = f"{percent(several)} of the images have several mask files, which are joined"
            layout.doubts.append(f"{what} to one mask of two values; if each file is an object, say kind='objects'.")
        return kind or ("objects" if several >= 0.5 else "mask"), "objects"
    labels = sorted({label for found in layout.pairs for label, _ in found.shapes or []})
    labels = [label for label in labels if label.strip("_").casefold() != "background"]
    if kind is None and len(labels) > 1:
        layout.doubts.append("polygons of several classes are read as classes; for objects say kind='objects'.")
    if labels and (kind == "objects" or (kind is None and len(labels) == 1)):
        return "objects", None
    if not any(found.shapes is not None for found in layout.pairs):
        return kind, None
    layout.names = dict(enumerate(["background", *labels]))
    return kind or "classes", {label: number for number, label in enumerate(labels, 1)}


def _ranges(entries):
    """For each number type the values that become 0 and 1, the same for all images."""
    ranges = {}
    for dtype in {entry.dtype for entry in entries}:
        same = [entry for entry in entries if entry.dtype == dtype]
        low, high = min(entry.low for entry in same), max(entry.high for entry in same)
        if dtype.kind == "b" or (dtype.kind == "f" and 0 <= low and high <= 1):
            low, high = 0, 1
        elif dtype == np.uint8:
            low, high = 0, 255
        elif dtype == np.uint16:
            low, high = 0, next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits)
        ranges[dtype.name] = (low, high)
    return ranges


def _grouped(complaints):
    """One line for all files of which the same is said, numbers aside."""
    groups = {}
    for name, text in complaints:
        groups.setdefault("".join(c for c in text if not c.isdigit() and c != "."), []).append((name, text))
    return [f"{listed([name for name, _ in group])}: {group[0][1]}" for group in groups.values()]


def _half(entry, late):
    """One of two halves of an image, cut across its longer side."""
    axis = 0 if entry.size[0] > entry.size[1] else 1
    middle, cuts = entry.size[axis] // 2, [slice(None), slice(None)]
    cuts[axis] = slice(middle, None) if late else slice(None, middle)
    return dataclasses.replace(entry, part=tuple(cuts))


def _sides(size):
    return f"{size[0]} x {size[1]}"


# ---- A second look -----------------------------------------------------------------------------------------------------


def _second_look(folder):
    """What is wrong or doubtful about images and masks that can all be read."""
    looks, names = [entry.look for entry in folder.entries], np.array([entry.found.name for entry in folder.entries])
    fits = [folder._objects(look) for look in looks]
    counts = [look.counts * ~np.isin(look.codes, folder.void) for look in looks]
    there = np.array([count[fit].sum() / max(count.sum(), 1) for count, fit in zip(counts, fits)])
    blank = np.array([entry.low == entry.high for entry in folder.entries])
    partly = (there > 0) & (there < 1)

    def of(few, text):
        return [f"{listed(few)}: {text}"] if len(few) else []

    problems = of(names[blank & (there > 0)], "all pixels of the image have one value; nothing can be seen in it.")
    doubts = of(names[blank & (there == 0)], "all pixels of the image have one value; its mask is empty.")
    if folder.kind == "classes":
        problems += [] if len(folder.names) > 1 else ["all pixels have one class; there is nothing to learn."]
    elif there.max() == 0:
        problems.append("all masks are empty: no mask holds an object; there is nothing to learn.")
    elif there.min() == 1:
        problems.append("all masks are full: every pixel is object; there is nothing to learn.")
    else:
        doubts += of(names[there == 1], "the mask is full; every pixel is object. Is that right?")
        doubts += of(names[there == 0], "the mask is empty; that is right if there is no object to be seen.")
        border = np.array([look.border[fit].sum() / look.border.sum() for look, fit in zip(looks, fits)])
        outside = partly & (there > 0.5) & (border > 0.8)
        contrasts = [_contrast(look, fit) for look, fit in zip(looks, fits)]
        lighter = np.sign([contrast.mean() for contrast in contrasts])
        odd = outside & (lighter != np.sign(lighter[partly & ~outside].sum()))
        most = [np.abs(contrast).max() for contrast in contrasts]
        seen = [one > 0.05 * (entry.high - entry.low) for one, entry in zip(most, folder.entries)]
        if np.mean(np.array(seen) & [abs(one.mean()) < 0.1 * high for one, high in zip(contrasts, most)]) > 0.5:
            folder.said.append("objects differ from the background by colour, not by brightness: keep three channels")
        if outside.any() and outside.sum() >= 0.8 * partly.sum():
            share = percent(np.median(there[partly]))
            doubts.append(f"objects cover {share} of the pixels and the borders. Are they and background swapped?")
        elif odd.sum() < partly.sum() / 2 > 1:
            doubts += of(names[odd], "the mask is inverted, compared with the others.")
    rare = [f"{name} {percent(share)}" for name, share in folder.shares.items() if share < 0.005]
    if rare and folder.kind != "objects" and not problems:
        doubts.append(f"rare: {listed(rare)} of the pixels. A plain loss may never find it; weights or Dice help.")
    broken = [sum(len(own) > 1 for own, one in zip(look.areas, fit) if one) for look, fit in zip(looks, fits)]
    if folder.kind == "objects" and not folder.by_parts and sum(broken) > 0.02 * len(folder.object_sizes):
        few = [f"{name} ({count})" for name, count in zip(names, broken) if count]
        doubts += of(few, f"{sum(broken)} objects are in several pieces. Does one number stand for two?")
    many = collections.Counter(entry.sum for entry in folder.entries)
    again = np.array([many[entry.sum] > 1 for entry in folder.entries]) & ~blank
    doubts += of(names[again], "some are the same image; a split may put one on both sides.")
    small, *_, large = sorted(2 * [entry.size for entry in folder.entries], key=np.prod)
    if np.prod(large) > 4 * np.prod(small):
        doubts.append(f"images of {_sides(small)} to {_sides(large)}. Do their objects have the same size in pixels?")
    return problems, doubts


def _contrast(look, fit):
    """For each channel how much lighter objects are than all else; 0 without one of them."""
    if fit.all() or not fit.any():
        return np.zeros(1)
    objects, other = (np.average(look.light[one], 0, look.counts[one]) for one in (fit, ~fit))
    return objects - other


# ---- Say, show, and hand over --------------------------------------------------------------------------------------------


def report(folder, kind=None, show=None) -> bool:
    """Print what was found, what is wrong (✗) and what is doubtful (…), show six pairs; True if the folder can be used.

    Args:
        folder: a :class:`Folder`, or the path of one.
        kind: as in :func:`read`, for a path.
        show: draw the six pairs; by default in a notebook only.
    """
    try:
        folder = folder if isinstance(folder, Folder) else read(folder, kind)
    except ValueError as error:
        print(f"✗ {error}")
        return False
    for mark, lines in (("✓", summary(folder)), ("✗", folder.problems), ("…", folder.doubts)):
        for line in lines:
            print(f"{mark} {line}")
    if (get_ipython() is not None if show is None else show) and folder.entries and not folder.problems:
        from utils import plots  # only here: nothing else needs a figure

        chosen = [folder.entries[k] for k in np.linspace(0, len(folder) - 1, min(6, len(folder))).round().astype(int)]
        pairs = [folder._read(entry, max(1, max(entry.size) // 500)) for entry in chosen]
        plots.pairs(pairs, folder.kind, folder.names)
    return not folder.problems


def summary(folder) -> list[str]:
    """What was found, in lines."""
    if not folder.entries:
        return []
    sizes = sorted(set(folder.sizes))
    shown = ", ".join(map(_sides, sizes[:3])) + (f" and {len(sizes) - 3} more sizes" if len(sizes) > 3 else "")
    what = {"mask": "masks of two values", "classes": f"{len(folder.names)} classes", "objects": "objects"}[folder.kind]
    many = "1 pair" if len(folder) == 1 else f"{len(folder)} pairs"
    lines = [f"{many}, {shown} pixels, {'colour' if folder.channels == 3 else 'grey'}; kind: {folder.kind} ({what})"]
    given = [f"{one} {folder.splits.count(one)}" for one in ("train", "validation", "test") if one in folder.splits]
    lines += ["given parts: " + ", ".join(given)] * (len(given) > 1)
    if folder.problems:
        return lines
    shares = {name: percent(share) for name, share in folder.shares.items()}
    if folder.kind == "objects" and len(sizes := folder.object_sizes):
        low, middle, high = 2 * np.sqrt(np.quantile(sizes, (0, 0.5, 1), method="nearest") / np.pi)
        lines.append(f"{len(sizes)} objects, {middle:.0f} pixels across (from {low:.0f} to {high:.0f})")
    elif folder.kind == "classes":
        codes = {number: code for code, number in folder.targets.items() if code not in folder.void}
        for number, (name, share) in enumerate(shares.items()):
            was = masks.shown_code(codes[number], folder.by_colour)
            lines.append(f"class {number}: {name}{'' if was == name else f', {was} in the masks'}, {share}")
    else:
        lines.append("shares of pixels: " + ", ".join(f"{name} {share}" for name, share in shares.items()))
    return lines + folder.said


def load(folder) -> tuple[np.ndarray, np.ndarray]:
    """Read images of one size and masks of two values as arrays: float32 ``(N, H, W, 3)``, 0..1; uint8 ``(N, H, W, 1)``, 0, 1.

    A ValueError lists everything that is wrong with the folder.
    """
    found = read(folder)
    if len(sizes := sorted(set(found.sizes))) > 1:
        found.problems.append(f"images of several sizes, {listed(map(_sides, sizes))}; give all images one size.")
    if found.entries and found.kind != "mask":
        found.problems.append(f"the masks hold {found.kind}, not two values; folders.read reads those.")
    pairs = list(found)
    images = [np.broadcast_to(pair.image, (*pair.image.shape[:2], 3)) for pair in pairs]
    return np.stack(images), np.stack([pair.target[..., None].astype(np.uint8) for pair in pairs])


def load_labels(folder) -> list[Pair]:
    """Read images, grey ``(H, W)``, and their label maps; a ValueError lists everything that is wrong with the folder."""
    return [dataclasses.replace(pair, image=pair.image.mean(axis=-1)) for pair in read(folder, kind="objects")]
