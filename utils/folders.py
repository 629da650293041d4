"""A folder of images and masks as a data set: any layout, any kind of mask, and in words what was found and what is wrong.

::

    mine = folders.read("my_images")    # images/ and masks/, a_mask.png beside a.jpg, VOC, COCO, ...
    folders.report(mine)                # what a colleague would say after a look
    train, validation = mine.split()
    pair = train[0]                     # image float32 (H, W, C), target int32 (H, W), weight float32 (H, W) or None
"""

from __future__ import annotations

import dataclasses
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

IMAGES, MASKS = "images", "masks"
KINDS = ("mask", "classes", "objects")


# ---- Write -----------------------------------------------------------------------------------------------------------


def export(samples, folder, overwrite=False) -> Path:
    """Write images and masks as PNG files, masks as 0 and 255, and return the folder.

    Images are rounded to multiples of 1/255, which those of ``shapes.draw`` are: :func:`load` gives their bytes back.
    Files of other names are never touched.

    Args:
        samples: anything with ``images``, float ``(N, H, W, 3)``, 0..1, and ``masks``, ``(N, H, W, 1)``, 0 or 1.
        folder: where to write; made if it does not exist.
        overwrite: write even if the folder holds something. Files of the same names are replaced.

    Raises:
        FileExistsError: the folder is not empty, or holds older images that would mix with the new ones.
        ValueError: no pairs of images and masks, see :mod:`utils.validate`.
    """
    folder = Path(folder).expanduser()
    images, targets = validate.pair(samples.images, samples.masks)
    if images.shape[-1] != 3:
        raise ValueError(f"images have {images.shape[-1]} channels; give 3. Grey ones: images.repeat(3, axis=-1).")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(f"{folder} is not empty; choose another folder or pass overwrite=True.")
    names = [f"{number:05d}.png" for number in range(len(images))]
    older = {path.name for part in (IMAGES, MASKS) for path in (folder / part).glob("*.png")} - set(names)
    if older:
        raise FileExistsError(
            f"{folder} holds {listed(older)}, which would mix with the images to write. Nothing is ever removed: "
            "choose another folder or remove them yourself."
        )
    for part, arrays in ((IMAGES, images), (MASKS, targets[..., 0])):
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
    upright: bool = True
    part: tuple = (slice(None), slice(None))


@dataclasses.dataclass
class Folder:
    """Images and masks of a folder, read one at a time: ``len(folder)``, ``folder[k]``, ``for pair in folder``.

    Attributes:
        path: of the folder.
        kind: ``"mask"`` (two values), ``"classes"`` or ``"objects"``.
        names: of the classes, the background first where there is one.
        channels: 1 if all images are grey, else 3.
        problems: what stops; nothing can be read before these are mended.
        doubts: what needs a look.
        said: what was found, in words.
        by_parts: objects are the connected parts of masks of two values.
    """

    path: Path
    kind: str
    names: list
    channels: int
    problems: list
    doubts: list
    said: list
    meaning: masks.Meaning
    entries: list
    ranges: dict
    numbers: dict | None = None
    by_parts: bool = False

    def __len__(self):
        return len(self.entries)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k) -> Pair:
        """Read one pair from its files. A ValueError lists the problems, if there are any."""
        self.check()
        return self._read(self.entries[k])

    @property
    def sizes(self) -> list:
        """Height and width of each image."""
        return [_cut_size(entry) for entry in self.entries]

    @property
    def splits(self) -> list:
        """For each pair ``"train"``, ``"validation"``, ``"test"`` or None, as the folders say."""
        return [entry.found.split for entry in self.entries]

    @property
    def shares(self) -> dict:
        """Name of each class -> its share of all pixels that are not void."""
        totals = np.zeros(len(self.names))
        for entry in self.entries:
            for code, count in zip(self._keys(entry), entry.look.counts.tolist()):
                if code not in self.meaning.void:
                    totals[self.meaning.targets[code]] += count
        return dict(zip(self.names, (totals / max(totals.sum(), 1)).tolist()))

    @property
    def object_sizes(self) -> np.ndarray:
        """Pixels of each object, or of each connected part that is not background."""
        sizes = []
        for entry in self.entries:
            for code, areas in zip(self._keys(entry), entry.look.areas):
                if self.meaning.targets[code] and code not in self.meaning.void:
                    sizes += [areas.sum()] if self.kind == "objects" and not self.by_parts else areas.tolist()
        return np.array(sizes, np.int64)

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
            return tuple(dataclasses.replace(self, entries=[_half(e, k) for e in self.entries]) for k in (0, 1))
        if {"train", "validation"} <= set(self.splits):
            return tuple(
                self.only([k for k, s in enumerate(self.splits) if s == one]) for one in ("train", "validation")
            )
        numbers = [k for k, one in enumerate(self.splits) if one != "test" or set(self.splits) == {"test"}]
        if len(numbers) < 2:
            raise ValueError("one pair only: add a second one, or say split(by_region=True) for two halves of it.")
        keys = _groups([entry.found.name for entry in self.entries], groups)
        keys = [keys[k] for k in numbers]
        order = sorted(set(keys), key=str)
        if len(order) < 2:
            raise ValueError(
                "all pairs belong to one group, so none can be held out; give groups that tell sources apart."
            )
        np.random.default_rng(seed).shuffle(order)
        held = set()
        for key in order[:-1]:
            if held and sum(one in held for one in keys) + 0.5 * keys.count(key) > share * len(keys):
                break
            held.add(key)
        return tuple(self.only([k for k, key in zip(numbers, keys) if (key in held) == late]) for late in (False, True))

    # -- one pair

    def _keys(self, entry):
        return entry.look.codes.tolist()

    def _read(self, entry, step=1):
        """A pair, or for a preview every ``step``-th pixel of it."""
        here = tuple(slice(part.start, part.stop, step) for part in entry.part)
        array = files.read_image(entry.found.image, entry.upright).array[here]
        low, high = self.ranges[entry.dtype.name]
        image = (array.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-12))
        image = np.clip(image, 0, 1)[..., None] if image.ndim == 2 else np.clip(image, 0, 1)
        if image.shape[-1] != self.channels:
            image = np.repeat(image, self.channels, axis=-1)
        codes = masks.encoded(_mask_of(entry.found, entry.size, self.numbers), self.meaning.by_colour)[here]
        codes, index = masks.ranked(codes)
        targets = np.array([self.meaning.targets[code] for code in codes.tolist()], np.int32)
        if self.kind == "objects" and not self.by_parts:
            targets *= np.cumsum(targets, dtype=np.int32)
        target = targets[index]
        if self.by_parts:
            target = measure.label(target, connectivity=1).astype(np.int32)
        void = np.isin(codes, self.meaning.void)
        weight = np.where(void, 0, 1).astype(np.float32)[index] if self.meaning.void else None
        return Pair(entry.found.name, image, target, weight)


# ---- Read --------------------------------------------------------------------------------------------------------------


def read(path, kind=None, split=None) -> Folder:
    """Find the images and masks below a folder, and look at each one.

    Args:
        path: of the folder; ``~`` is your home.
        kind: ``"mask"``, ``"classes"`` or ``"objects"``, if the masks allow several readings; by default the likeliest.
        split: ``"train"``, ``"validation"`` or ``"test"``, to take only what lies in folders of such a name.

    Returns:
        The data set. Its ``problems`` say what must be mended before it can be used, its ``doubts`` what needs a look.

    Raises:
        ValueError: there is no such folder, or no such kind.
    """
    validate.option("kind", kind, (None, *KINDS))
    validate.option("split", split, (None, "train", "validation", "test"))
    layout = layouts.find(path, kind)
    if split:
        layout.pairs = [found for found in layout.pairs if found.split == split]
        if not layout.pairs:
            layout.problems.append(f"there are no pairs in a folder for {split}.")
    kind, numbers, names = _of_polygons(layout, kind)
    entries, complaints, notes = [], [], []
    for found in layout.pairs:
        try:
            entries.append(_look(found, numbers, notes))
        except _Wrong as error:
            complaints.append(error.args)
    problems, doubts = layout.problems + _grouped(complaints), layout.doubts + _grouped(notes)
    if entries:
        one_each = layout.one_file_an_object and kind in (None, "objects")
        meaning = masks.decide([e.look for e in entries], kind, names or layout.names, one_each)
    else:
        meaning = masks.Meaning(kind or "mask", names=["background", "object"])
    one_by_one = layout.one_file_an_object or any(found.shapes is not None for found in layout.pairs)
    channels = 3 if any(entry.colour for entry in entries) else 1
    folder = Folder(
        Path(path).expanduser(), meaning.kind, meaning.names, channels, problems + meaning.problems, doubts + meaning.doubts,
        meaning.said, meaning, entries, _ranges(entries), numbers,
    )  # fmt: skip
    folder.by_parts = folder.kind == "objects" and not one_by_one and _two_valued(folder)
    if entries and not meaning.problems:
        more, unsure = _second_look(folder)
        if len(layout.pairs) == 1:
            unsure.append(
                "one pair only: nothing is left to validate with. Add a second one, or split it by region: "
                "split(by_region=True) trains on one half and validates on the other."
            )
        folder.problems += [] if folder.problems else more
        folder.doubts += unsure
    return folder


def _two_valued(folder):
    """No mask holds more than one value beside its background."""
    return all(sum(folder.meaning.targets[key] for key in folder._keys(entry)) <= 1 for entry in folder.entries)


class _Wrong(Exception):
    """What is wrong with a file: its name and the words."""


def _open(read_file, what, *more):
    path = what if isinstance(what, Path) else what.masks[0]
    try:
        return read_file(what, *more)
    except (ValueError, OSError) as error:
        raise _Wrong(f"{path.parent.name}/{path.name}", str(error)) from None


def _look(found, numbers, notes):
    """Look at an image and its mask, and remember what was seen."""
    image, upright = _open(files.read_image, found.image), True
    mask = _open(_mask_of, found, image.array.shape[:2], numbers)
    size, other = image.array.shape[:2], mask.array.shape[:2]
    if image.turn in (5, 6, 7, 8) and size != other == size[::-1]:
        image, upright = files.read_image(found.image, False), False
        notes.append(
            (found.name, "the image has an orientation tag, but its mask fits the image as stored; the tag is ignored.")
        )
    elif image.turn != 1 and mask.turn == 1 and (image.turn < 5 or size[0] == size[1]):
        notes.append((found.name, "the image was turned by its orientation tag; look whether its mask lies right."))
    size = image.array.shape[:2]
    if size != other:
        side = " The mask lies on its side." if size == other[::-1] else ""
        raise _Wrong(
            found.name, f"the image is {_sides(size)}, its mask {_sides(other)}; both need one size.{side} "
            "Resize masks with nearest neighbours only."
        )  # fmt: skip
    paths = [found.image, found.masks[0]]
    notes += [
        (f"{p.parent.name}/{p.name}", f"{note}.") for p, pixels in zip(paths, (image, mask)) for note in pixels.notes
    ]
    try:
        look = masks.look(mask, image.array, found.shapes is None and len(found.masks) == 1)
    except ValueError as error:
        raise _Wrong(f"{found.masks[0].parent.name}/{found.masks[0].name}", str(error)) from None
    array = image.array
    return _Entry(found, size, look, array.dtype, float(array.min()), float(array.max()), array.ndim == 3, upright)


def _mask_of(found, size, numbers):
    """The mask of a pair: one file, or put together from polygons or from files of one object each."""
    if found.shapes is not None:
        return files.Pixels(layouts.painted(found.shapes, size, numbers))
    if len(found.masks) == 1 and numbers != "objects":
        return files.read_mask(found.masks[0])
    labels = np.zeros(size, np.int32)
    for number, path in enumerate(found.masks, 1):
        there = _open(files.read_mask, path).array
        there = there if there.ndim == 2 else there.any(axis=-1)
        if there.shape != size:
            raise _Wrong(f"{path.parent.name}/{path.name}", f"is {_sides(there.shape)}, its image {_sides(size)}.")
        if len(masks.ranked(there)[0]) > 2:
            raise _Wrong(f"{path.parent.name}/{path.name}", "holds more than two values although it shows one object.")
        labels[there > 0] = number
    return files.Pixels(labels)


def _of_polygons(layout, kind):
    """The kind of polygons, the number of each class, and the names of the numbers."""
    if layout.one_file_an_object:
        several = np.mean([len(found.masks) > 1 for found in layout.pairs])
        if kind is None and several < 0.5:
            layout.doubts.append(
                f"{percent(several)} of the images have several mask files, which are put together to one mask of two values; "
                "if each file is an object, say kind='objects'."
            )
        return kind or ("objects" if several >= 0.5 else "mask"), "objects", None
    if not any(found.shapes is not None for found in layout.pairs):
        return kind, None, None
    labels = sorted({label for found in layout.pairs for label, _ in found.shapes or []})
    labels = [label for label in labels if label.strip("_").casefold() != "background"]
    if kind is None:
        kind = "classes" if len(labels) > 1 else "objects"
        if kind == "classes":
            layout.doubts.append(
                "polygons of several classes are read as classes; for single objects say kind='objects'."
            )
    if kind == "objects":
        return kind, None, None
    numbers = {label: number for number, label in enumerate(labels, 1)}
    return kind, numbers, {0: "background"} | {number: label for label, number in numbers.items()}


def _ranges(entries):
    """For each number type the values that become 0 and 1, the same for all images."""
    ranges = {}
    for name in {entry.dtype.name for entry in entries}:
        same = [entry for entry in entries if entry.dtype.name == name]
        low, high = min(e.low for e in same), max(e.high for e in same)
        dtype = same[0].dtype
        if dtype.kind == "b" or (dtype.kind == "f" and 0 <= low and high <= 1):
            low, high = 0, 1
        elif dtype == np.uint8:
            low, high = 0, 255
        elif dtype == np.uint16:
            low, high = 0, next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits)
        ranges[name] = (low, high)
    return ranges


def _grouped(complaints):
    """One line for all files of which the same is said, numbers aside."""
    groups = {}
    for name, text in complaints:
        groups.setdefault("".join(c for c in text if not c.isdigit() and c != "."), []).append((name, text))
    return [f"{listed([name for name, _ in group])}: {group[0][1]}" for group in groups.values()]


def _groups(names, groups):
    """The group of each pair; each pair is one of its own unless groups are given."""
    if groups is None:
        return names
    if isinstance(groups, dict):
        return [groups[name] for name in names]
    keys = [groups(name) for name in names] if callable(groups) else list(groups)
    if len(keys) != len(names):
        raise ValueError(f"{len(keys)} groups for {len(names)} pairs; give one for each pair, test pairs counted.")
    return keys


def _half(entry, number):
    """One of two halves of an image, cut across its longer side."""
    height, width = entry.size
    cuts = [slice(None), slice(None)]
    side = 0 if height > width else 1
    middle = entry.size[side] // 2
    cuts[side] = slice(middle, None) if number else slice(None, middle)
    return dataclasses.replace(entry, part=tuple(cuts))


def _cut_size(entry):
    return tuple(len(range(*part.indices(side))) for part, side in zip(entry.part, entry.size))


def _sides(size):
    """Height and width in words."""
    return f"{size[0]} x {size[1]}"


# ---- A second look -----------------------------------------------------------------------------------------------------


def _second_look(folder):
    """What is wrong or doubtful about images and masks that can all be read."""
    problems, doubts = [], []
    entries, names = folder.entries, [entry.found.name for entry in folder.entries]
    there = np.array([_object_share(folder, entry) for entry in entries])
    blank = [entry.low == entry.high for entry in entries]
    for name, one, share in zip(names, blank, there):
        if one and share:
            problems.append(f"{name}: all pixels of the image have one value; nothing can be seen in it.")
    if any(one and not share for one, share in zip(blank, there)):
        few = listed(name for name, one, share in zip(names, blank, there) if one and not share)
        doubts.append(f"{few}: all pixels of the image have one value, and its mask is empty. Was it meant to be so?")
    if folder.kind != "classes" and not there.any():
        problems.append("all masks are empty: no mask holds an object; there is nothing to learn.")
    elif folder.kind != "classes" and (there == 1).all():
        problems.append("all masks are full: every pixel is object; there is nothing to learn.")
    elif folder.kind == "classes" and len(folder.names) < 2:
        problems.append("all pixels have one class; there is nothing to learn.")
    else:
        doubts += _about_backgrounds(folder, names, there) + _about_shares(folder, names, there)
    areas = np.array([np.prod(entry.size) for entry in entries])
    if areas.max() > 4 * areas.min():
        small, large = (_sides(entries[k].size) for k in (areas.argmin(), areas.argmax()))
        doubts.append(
            f"images of very different size: {small} to {large}. Do their objects have the same size in pixels?"
        )
    return problems, doubts


def _object_share(folder, entry):
    """Share of an image's pixels that are not background (class 0), void left out."""
    keys, counts = folder._keys(entry), entry.look.counts
    void = np.isin(keys, folder.meaning.void)
    there = np.array([folder.meaning.targets[key] > 0 for key in keys])
    return float(counts[there & ~void].sum() / max(counts[~void].sum(), 1))


def _about_backgrounds(folder, names, there):
    """Masks where object and background are exchanged: in one of several, or in all."""
    if folder.kind == "classes":
        return []
    border, lighter = np.zeros(len(names)), np.zeros(len(names))
    for k, entry in enumerate(folder.entries):
        look, keys = entry.look, folder._keys(entry)
        fit = np.array([folder.meaning.targets[key] > 0 for key in keys])
        border[k] = look.border[fit].sum() / look.border.sum()
        if fit.any() and not fit.all():
            lighter[k] = np.sign(np.average(look.light[fit], weights=look.counts[fit])
                                 - np.average(look.light[~fit], weights=look.counts[~fit]))  # fmt: skip
    outside = (there > 0.5) & (border > 0.8)
    full = [name for name, share in zip(names, there) if share == 1]
    doubts = (
        [f"{listed(full)}: the mask is full; every pixel is object. Is that right?"]
        if full and len(full) < len(names)
        else []
    )
    empty = [name for name, share in zip(names, there) if share == 0]
    if empty:
        doubts.append(f"no object in {listed(empty)}; that is right if there is none to be seen.")
    outside &= there < 1
    partly = (there > 0) & (there < 1)
    if outside[partly].any() and outside[partly].mean() >= 0.8 and np.median(there[partly]) > 0.5:
        share = percent(np.median(there[partly]))
        doubts.append(
            f"objects cover {share} of the pixels and the borders of the images. Are background and objects swapped?"
        )
    elif outside.any() and partly.sum() > 2:
        usual = np.sign(lighter[partly & ~outside].sum())
        odd = [name for name, out, sign in zip(names, outside, lighter) if out and sign != usual]
        if odd and len(odd) < partly.sum() / 2:
            doubts.append(
                f"{listed(odd)}: the mask is inverted, compared with the others: object where they have background."
            )
    return doubts


def _about_shares(folder, names, there):
    """Classes that are rare, and objects in several pieces."""
    doubts = []
    shares = folder.shares
    rare = [f"{name} {percent(share)}" for name, share in shares.items() if share < 0.005]
    if rare and folder.kind != "objects":
        doubts.append(
            f"very unequal shares of pixels: {listed(rare)}. A plain loss may never find it; weights or Dice help."
        )
    if folder.kind == "objects" and not folder.by_parts:
        broken = {}
        for name, entry in zip(names, folder.entries):
            fit = np.array(
                [folder.meaning.targets[key] > 0 and key not in folder.meaning.void for key in folder._keys(entry)]
            )
            if count := int((np.array([len(own) for own in entry.look.areas])[fit] > 1).sum()):
                broken[name] = count
        if broken and sum(broken.values()) > 0.02 * len(folder.object_sizes):
            few = listed(f"{name} ({count})" for name, count in broken.items())
            doubts.append(
                f"{sum(broken.values())} objects are in several pieces: {few}. Does one number stand for two?"
            )
    return doubts


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
    for line in summary(folder):
        print(f"✓ {line}")
    for mark, lines in (("✗", folder.problems), ("…", folder.doubts)):
        for line in lines:
            print(f"{mark} {line}")
    show = get_ipython() is not None if show is None else show
    if show and folder.entries and not folder.problems:
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
    counts = {name: folder.splits.count(name) for name in ("train", "validation", "test")}
    if sum(count > 0 for count in counts.values()) > 1:
        lines.append("given parts: " + ", ".join(f"{name} {count}" for name, count in counts.items() if count))
    if folder.problems:
        return lines
    if folder.kind == "objects":
        sizes = np.sort(folder.object_sizes)
        if len(sizes):
            across = [2 * np.sqrt(sizes[round(q * (len(sizes) - 1))] / np.pi) for q in (0, 0.5, 1)]
            low, middle, high = (f"{side:.0f}" for side in across)
            lines.append(f"{len(sizes)} objects, {middle} pixels across (from {low} to {high})")
    elif folder.kind == "classes":
        keys = {
            number: code for code, number in reversed(folder.meaning.targets.items()) if code not in folder.meaning.void
        }
        shares = folder.shares
        for number, name in enumerate(folder.names):
            was = masks.shown_code(keys[number], folder.meaning.by_colour)
            lines.append(
                f"class {number}: {name}{'' if was == name else f', {was} in the masks'}, {percent(shares[name])}"
            )
    else:
        lines.append(
            "shares of pixels: " + ", ".join(f"{name} {percent(share)}" for name, share in folder.shares.items())
        )
    return lines + folder.said


def load(folder, size=None) -> tuple[np.ndarray, np.ndarray]:
    """Read images of one size and their masks of two values as arrays, in the order of their names.

    Args:
        folder: a path.
        size: side of the square images in pixels, or None to accept any one size.

    Returns:
        Images, float32 ``(N, H, W, 3)``, 0..1, and masks, uint8 ``(N, H, W, 1)``, 0 or 1.

    Raises:
        ValueError: the message lists everything that is wrong with the folder.
    """
    found = read(folder)
    wanted = (size, size) if size else found.sizes[0] if found.entries else None
    found.problems += [
        f"{entry.found.name} is {_sides(entry.size)} pixels, not {_sides(wanted)}; give all images one size."
        for entry in found.entries
        if entry.size != wanted
    ]
    if found.entries and found.kind != "mask":
        found.problems.append(f"the masks hold {found.kind}, not two values; folders.read reads those.")
    found.check()
    pairs = list(found)
    images = [np.broadcast_to(pair.image, (*pair.image.shape[:2], 3)) for pair in pairs]
    return np.stack(images), np.stack([pair.target[..., None].astype(np.uint8) for pair in pairs])


def load_labels(folder, smallest=64) -> list[Pair]:
    """Read images with ``smallest`` pixels a side or more, grey ``(H, W)``, and their label maps, in order of their names.

    Raises:
        ValueError: the message lists everything that is wrong with the folder.
    """
    found = read(folder, kind="objects")
    found.problems += [
        f"{entry.found.name}: {_sides(entry.size)} is too small; {smallest} pixels a side are needed."
        for entry in found.entries
        if min(entry.size) < smallest
    ]
    found.check()
    return [dataclasses.replace(pair, image=pair.image.mean(axis=-1)) for pair in found]
