"""Which file belongs to which: images, masks and polygons in any folder, told apart and paired by their names.

A file's role, image or mask, is a word in the name of its folder or in its own name. What remains of a path without such
words is its key, and files of one key belong together.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import re
import unicodedata
from pathlib import Path

import numpy as np
from skimage import draw

from utils import files

_IMAGE = set(
    "image images img imgs im pictures picture pics pic photos photo inputs input raw frames sat rgb original originals".split()
)
_MASK = set(
    "mask masks label labels lbl lbls annotation annotations annot annots anno ann segmentation segmentations seg segs gt gts "
    "truth groundtruth target targets trimap trimaps matte mattes manual objects".split()
)
_FILLERS = set("ground class object fine coarse ids id jpeg left 8 bit camera 1st full".split())
_SPLITS = {
    "train": "train", "training": "train", "tr": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "dev": "validation", "test": "test", "testing": "test", "ts": "test",
}  # fmt: skip
_MASK_ENDS = (
    r"masks?|labels?|lbl|segmentations?|segs?|gt|ground_?truth|annotations?|annot|anno|trimap|matte|targets?|manual\d*|l|"
    r"\d(?:st|nd)(?:ho|_manual)|gt(?:fine|coarse)\w*|label_?ids|instance_?ids|colou?rs?"
)
_IMAGE_ENDS = r"images?|imgs?|leftimg8bit|0000|sat|training|test|rgb|raw|inputs?|original|orig|photo"
_PREFERRED = {
    r"label_?ids": 0, r"1st|manual1?(?!\d)": 1, r"segmentationclass": 1, r"train_?ids": 6, r"colou?r": 7, r"2nd|manual2": 7,
    r"instance": 8, r"segmentationobject": 8, r"viz|overlay|edge|weight": 9,
}  # fmt: skip


@dataclasses.dataclass
class Found:
    """An image and what belongs to it.

    Attributes:
        name: the image's path below the folder, without its ending.
        image: the file of the image.
        masks: the file of its mask, or one file for each object.
        split: ``"train"``, ``"validation"``, ``"test"`` or None, from the names of the folders.
        shapes: polygons as ``(class, points)``, points float ``(n, 2)`` in x and y; None if masks are files.
    """

    name: str
    image: Path
    masks: list
    split: str | None = None
    shapes: list | None = None


@dataclasses.dataclass
class Layout:
    """All pairs of a folder, what is wrong and what is doubtful, and the names that a table gives to values or colours."""

    pairs: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)
    doubts: list = dataclasses.field(default_factory=list)
    names: dict = dataclasses.field(default_factory=dict)
    one_file_an_object: bool = False


def find(folder, kind=None) -> Layout:
    """Pair the images and the masks below a folder.

    Raises:
        ValueError: there is no such folder.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        what = "is a file; give the folder that holds it" if root.exists() else "there is no such folder"
        raise ValueError(f"{root}: {what} (looked up from {Path.cwd()}).")
    layout, images, masks, tables = Layout(), [], [], []
    for item in _sorted_out(root, layout):
        (tables if item.path.suffix.lower() in (".json", ".csv", ".txt") else images).append(item)
    for item in list(images):
        if item.is_mask(by_folder=True):
            images.remove(item), masks.append(item)
    if not images and any(item.is_mask(by_folder=False) for item in masks):  # all below a folder called labels, say
        images = [item for item in masks if not item.is_mask(by_folder=False)]
        masks = [item for item in masks if item.is_mask(by_folder=False)]
    _move_masks_out(images, masks)
    if not masks:
        _twins_apart(images, masks)
    _pair(images, masks, layout, kind)
    _read_tables(tables, images, layout)
    _shorten(layout.pairs)
    layout.pairs.sort(key=lambda found: _natural(found.name))
    _say_left_out(layout, images, masks)
    return layout


# ---- One file ----------------------------------------------------------------------------------------------------------


class _Item:
    """A file's role and keys."""

    def __init__(self, path, root):
        self.path, self.short = path, path.relative_to(root).as_posix()
        *folders, name = _folded(self.short).split("/")
        original = self.short.split("/")[:-1]
        words = [_words(part) for part in original]
        self.roles = ["mask" if set(w) & _MASK else "image" if set(w) & _IMAGE else None for w in words]
        self.stem = re.sub(r"\.[^.]*$", "", name)
        self.place = "/".join(filter(None, ("".join(v for v in w if not _is_role(v)) for w in words)))
        self.split = next((_SPLITS[v] for w in reversed(words) for v in w if v in _SPLITS), None)
        self.bare = _without(_MASK_ENDS, self.stem)
        self.clean = _without(_IMAGE_ENDS, self.bare)
        self.used = False

    def is_mask(self, by_folder):
        """Whether the folder's name, or where that says nothing the file's own, calls this a mask."""
        role = next((role for role in reversed(self.roles) if role), None) if by_folder else None
        return role == "mask" if role else self.bare != self.stem

    def numbered(self):
        """The stem without a number behind it, for one file an object."""
        short = re.sub(r"[_\-. (]+\d+\)?$", "", self.stem)
        return _without(_MASK_ENDS, short) if short != self.stem else None


def _folded(text):
    return unicodedata.normalize("NFC", text).casefold()


def _words(part):
    """The words of a folder's name: ``trainannot``, ``train_labels`` and ``labelsTr`` have two each."""
    words = re.findall(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+", unicodedata.normalize("NFC", part))
    words = [part for word in words for part in _split_glued(word.casefold())]
    return words


def _split_glued(word):
    for start in ("train", "val", "test"):
        if word.startswith(start) and word[len(start) :] in _MASK | _IMAGE:
            return [start, word[len(start) :]]
    return [word]


def _is_role(word):
    return word in _MASK or word in _IMAGE or word in _FILLERS


def _without(ends, stem):
    """A stem without a word of these before or behind it; without anything if it is such a word."""
    stem = re.sub(rf"(?:^|[_\-. ]+|(?<=\d))(?:{ends})$", "", stem)
    return re.sub(rf"^(?:{ends})(?:[_\-. ]+|(?=\d))", "", stem)


def _natural(name):
    """Sort ``a2`` before ``a10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


# ---- All files ---------------------------------------------------------------------------------------------------------


def _sorted_out(root, layout):
    """Every file that may hold an image, a mask or a table; other files, and links that lead out, are named."""
    items, foreign, links = [], [], []
    for place, folders, names in os.walk(root):
        links += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        for name in names:
            path = Path(place, name)
            if name.startswith(".") or name.casefold() in ("thumbs.db", "desktop.ini"):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                links.append(path)
            elif path.is_file():
                ending = path.suffix.lower()
                usable = ending in files.ENDINGS or ending == ".json" or _looks_like_image(path)
                table = ending in (".txt", ".csv") and re.search(
                    "class|colou?r|label|names|legend|dict", name.casefold()
                )
                (items if usable or table else foreign).append(_Item(path, root))
    if links:
        names = listed([path.relative_to(root).as_posix() for path in links])
        layout.problems.append(
            f"links are not followed out of the folder or into another: {names}. Copy the files here."
        )
    foreign = [
        item.short
        for item in foreign
        if not item.short.lower().endswith((".md", ".txt", ".csv", ".xml", ".ini", ".yaml"))
    ]
    if foreign:
        layout.doubts.append(f"left out, neither image nor table of classes: {listed(foreign)}.")
    return sorted(items, key=lambda item: _natural(item.short))


def _looks_like_image(path):
    try:
        return bool(files.content(path))
    except (ValueError, OSError):
        return False


def _move_masks_out(images, masks):
    """Where images and masks lie in one folder, a name that ends in ``_mask`` is one if its image is there too."""
    stems = {(item.place, item.stem) for item in images} | {
        (item.place, item.clean) for item in images if not _ends(item)
    }
    theirs = {
        mask.stem for mask in masks
    }  # an image whose mask has the same name is none itself, whatever it is called
    for item in [item for item in images if _ends(item) and item.stem not in theirs]:
        if {(item.place, item.bare), (item.place, item.clean)} & stems:
            images.remove(item), masks.append(item)
        elif item.numbered() is not None and (item.place, item.numbered()) in stems:
            images.remove(item), masks.append(item)


def _twins_apart(images, masks):
    """``a.jpg`` and ``a.png`` in one folder, and no masks elsewhere: the JPEG is the image."""
    photos = {(item.path.parent, item.stem) for item in images if files.ENDINGS.get(item.path.suffix.lower()) == "JPEG"}
    for item in list(images):
        if (item.path.parent, item.stem) in photos and files.ENDINGS.get(item.path.suffix.lower()) != "JPEG":
            images.remove(item), masks.append(item)


def _ends(item):
    number = item.numbered()
    return item.bare != item.stem or (number is not None and number != re.sub(r"[_\-. (]+\d+\)?$", "", item.stem))


def _pair(images, masks, layout, kind):
    """Give each mask to the image of its key: the same place and name, then the name alone, then what is left."""
    _name_twins(images, "images", layout), _name_twins(masks, "masks", layout)
    belongs = collections.defaultdict(list)
    for here in (True, False):
        for of_image, of_mask in (
            ("stem", "stem"),
            ("stem", "bare"),
            ("clean", "stem"),
            ("clean", "bare"),
            ("clean", "clean"),
        ):
            known = collections.defaultdict(list)
            for item in images:
                known[(item.place if here else "", getattr(item, of_image))].append(item)
            for mask in masks:
                fit = known.get((mask.place if here else "", getattr(mask, of_mask)), [])
                if not mask.used and len(fit) == 1:
                    belongs[fit[0]].append(mask)
                    mask.used = True
        if here:
            _one_file_an_object(images, masks, belongs, layout)
    _by_what_differs(images, masks, belongs, layout)
    spare = []
    for item, own in belongs.items():
        item.used = True
        if not layout.one_file_an_object:
            own.sort(key=lambda mask: (_rank(mask, kind), _natural(mask.short)))
            spare += [mask.short for mask in own[1:]]
            own = own[:1]
        name = item.short.removesuffix(item.path.suffix)
        layout.pairs.append(Found(_short_name(name), item.path, [m.path for m in own], item.split or own[0].split))
    if spare:
        layout.doubts.append(f"several masks for one image; left out: {listed(spare)}.")


def _short_name(name):
    """A path without the folders that only say ``images``."""
    *folders, last = name.split("/")
    return "/".join([*(part for part in folders if any(not _is_role(word) for word in _words(part))), last])


def _shorten(pairs):
    """Leave out the folders that all names share."""
    while pairs and len({found.name.partition("/")[0] for found in pairs}) == 1 and all("/" in p.name for p in pairs):
        for found in pairs:
            found.name = found.name.partition("/")[2]


def _rank(mask, kind):
    """What is taken first where several masks fit: class numbers before colours and objects, unless objects are wanted."""
    ranks = [rank for words, rank in _PREFERRED.items() if re.search(words, mask.short.casefold())]
    rank = max(ranks) if ranks else 5
    return -1 if kind == "objects" and rank == 8 else rank


def _name_twins(items, role, layout):
    """Two files of one name in one place, such as ``a.png`` and ``a.tif``."""
    groups = collections.defaultdict(list)
    for item in items:
        groups[item.path.parent, item.stem].append(item)
    for (folder, stem), twins in groups.items():
        if len(twins) > 1:
            layout.problems.append(f"{folder.name}/ holds two files called {stem}; keep one.")
            for item in twins[1:]:
                items.remove(item)


def _one_file_an_object(images, masks, belongs, layout):
    """Masks that lie in the folder of one image, or carry its name and a number: each is an object."""
    places = collections.defaultdict(list)
    for item in images:
        places[item.place].append(item)
    names = {(item.place, stem): item for item in images for stem in (item.clean, item.stem)}
    taken = {item.place for item in belongs}
    for mask in [mask for mask in masks if not mask.used]:
        there = places.get(mask.place, [])
        image = names.get((mask.place, mask.numbered()))
        if image is None and len(there) == 1 and mask.place not in taken:
            image = there[0]
        if image is not None:
            belongs[image].append(mask)
            mask.used = True
            layout.one_file_an_object |= len(belongs[image]) > 1


def _by_what_differs(images, masks, belongs, layout):
    """If no name fits: pair by the part of the names that differs, if that pairs every image with a mask."""
    if belongs or not images or len(images) != len(masks):
        return
    keys = [dict(zip(_middles([item.stem for item in items]), items)) for items in (images, masks)]
    if keys[0].keys() == keys[1].keys() and len(keys[0]) == len(images):
        for key, item in keys[0].items():
            belongs[item].append(keys[1][key])
            keys[1][key].used = True
        layout.doubts.append(
            f"names differ by more than a word for mask; paired by the rest, such as {images[0].short} with "
            f"{belongs[images[0]][0].short}. Look whether they belong together."
        )


def _middles(stems):
    """What differs between names: all without the letters that they begin and end with."""
    start = re.sub(r"\d+$", "", os.path.commonprefix(stems))
    end = re.sub(r"\d+$", "", os.path.commonprefix([stem[::-1] for stem in stems]))
    return [stem[len(start) : len(stem) - len(end)] for stem in stems] if len(stems) > 1 else [""]


def _say_left_out(layout, images, masks):
    """Name images and masks without a partner, a line for each folder."""
    for items, other in ((images, "mask"), (masks, "image")) if images and masks or layout.pairs else ():
        groups = collections.defaultdict(list)
        for item in items:
            if not item.used:
                groups[item.short.rpartition("/")[0]].append(item)
        lines = [
            f"without {'a mask' if other == 'mask' else 'an image'} of the same name, left out: "
            f"{folder + '/: ' if folder else ''}{listed([item.stem for item in group])}."
            for folder, group in groups.items()
        ]
        layout.doubts += lines[:5] + [f"... and {len(lines) - 5} more folders like this."] * (len(lines) > 5)
    if not layout.pairs:
        what = "no images that can be read (PNG, JPEG, TIFF, GIF, BMP, WebP)"
        if images and masks:
            what = f"{len(images)} images and {len(masks)} masks, but no two whose names belong together"
        elif images:
            what = f"{len(images)} images, but no masks (a folder masks/ or labels/, or names such as a_mask.png)"
        elif masks:
            what = f"{len(masks)} masks, but no images (a folder images/)"
        layout.problems.append(f"the folder holds {what}.")


def listed(names, most=5) -> str:
    """Name the first few and count the rest."""
    names = sorted(map(str, names), key=_natural)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# ---- Tables and polygons ---------------------------------------------------------------------------------------------


def _read_tables(tables, images, layout):
    """Names of classes from a small table; polygons from COCO and labelme."""
    by_name = collections.defaultdict(list)
    for item in images:
        by_name[_folded(item.path.name)].append(item)
        by_name[item.place, item.stem].append(item)
    for item in tables:
        if item.path.stat().st_size > 100 * 2**20:
            layout.problems.append(f"{item.short} is larger than 100 MB; split it.")
        elif item.path.suffix.lower() != ".json":
            layout.names |= _names_in(item.path.read_text(encoding="utf-8-sig", errors="replace"))
        else:
            try:
                _json(item, json.loads(item.path.read_text(encoding="utf-8-sig")), by_name, layout)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
                layout.doubts.append(
                    f"{item.short} cannot be read as polygons, left out ({type(error).__name__}: {error})."
                )


def _names_in(text):
    """Value or colour -> name, from a text of which nearly all lines hold one name and one number or three."""
    names, lines = {}, [line for line in text.splitlines()[:1000] if line.strip() and not line.startswith("#")]
    for line in lines:
        numbers = [int(number) for number in re.findall(r"(?<![\w.])\d{1,5}(?![\w.])", line)]
        name = " ".join(re.sub(r"(?<![\w.])\d+(?![\w.])|[:;,\t\"]", " ", line).split())
        if name and len(numbers) == 1:
            names[numbers[0]] = name
        elif name and len(numbers) in (3, 4) and max(numbers[-3:]) < 256:
            names[tuple(numbers[-3:])] = name
    return names if len(names) > 0.8 * len(lines) - 1 else {}


def _json(item, data, by_name, layout):
    if isinstance(data, dict) and "shapes" in data and "imagePath" in data:
        shapes = [_labelme(shape) for shape in data["shapes"]]
        name = _folded(str(data["imagePath"]).replace("\\", "/").rpartition("/")[2])
        _give(item, by_name.get((item.place, item.stem)) or by_name.get(name, []), shapes, layout)
    elif isinstance(data, dict) and {"images", "annotations"} <= data.keys():
        names = {one["id"]: str(one["name"]) for one in data.get("categories", [])}
        shapes = collections.defaultdict(list)
        for one in data["annotations"]:
            ring = one.get("segmentation")
            if isinstance(ring, dict) or one.get("iscrowd"):
                shapes[one["image_id"]].append(("", None))
            elif ring:
                parts = [_points(part) for part in ring]
                shapes[one["image_id"]].append((names.get(one["category_id"], str(one["category_id"])), parts))
        for one in data["images"]:
            name = _folded(str(one["file_name"]).replace("\\", "/").rpartition("/")[2])
            fit = by_name.get(name, [])
            near = [image for image in fit if image.path.parent == item.path.parent]
            _give(item, near if len(fit) > 1 else fit, shapes[one["id"]], layout, str(one["file_name"]))
    elif isinstance(data, dict) and isinstance(data.get("labels"), dict):  # nnU-Net's dataset.json
        for key, value in data["labels"].items():
            number, name = (key, value) if str(key).isdigit() else (value, key)
            if str(number).isdigit():
                layout.names[int(number)] = str(name)


def _points(values):
    points = np.array(values, float).reshape(-1, 2)
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > 1e6:
        raise ValueError("points that are no places in an image")
    return points


def _labelme(shape):
    """A labelme shape as its label and its outlines, no outline if it is no area."""
    points, kind = _points(shape["points"]), shape.get("shape_type") or "polygon"
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif kind == "circle":
        angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
        radius = np.hypot(*(points[1] - points[0]))
        points = points[0] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    elif kind != "polygon":
        return f"{shape['label']} ({kind})", None
    return str(shape["label"]), [points]


def _give(item, fit, shapes, layout, wanted=None):
    """Give polygons to their image."""
    if len(fit) != 1:
        found = "no image of this name" if not fit else "several images of this name"
        layout.doubts.append(f"{item.short}: {found}: {wanted or item.stem}; left out.")
        return
    if fit[0].used:
        return
    undrawn = sorted({label or "run lengths (RLE, crowd)" for label, parts in shapes if parts is None})
    if undrawn:
        layout.problems.append(
            f"{item.short}, {fit[0].stem}: only polygons can be drawn, not {listed(undrawn)}; export polygons or mask images."
        )
    fit[0].used = True
    name = _short_name(fit[0].short.removesuffix(fit[0].path.suffix))
    shapes = [(label, parts) for label, parts in shapes if parts is not None]
    layout.pairs.append(Found(name, fit[0].path, [item.path], fit[0].split, shapes))


def painted(shapes, size, numbers=None) -> np.ndarray:
    """Paint polygons, the largest first: int32 ``(H, W)``, 0 = background.

    Args:
        shapes: list of ``(class, outlines)``.
        size: height and width.
        numbers: class -> value; by default the polygons are numbered 1, 2, ...
    """
    mask = np.zeros(size, np.int32)
    drawn = []
    for number, (label, parts) in enumerate(shapes, 1):
        # A pixel belongs to a polygon if its centre does; coordinates count from the corner of the first pixel.
        places = [draw.polygon(part[:, 1] - 0.5, part[:, 0] - 0.5, size) for part in parts if len(part) > 2]
        value = numbers.get(label, 0) if numbers else number
        if places:
            drawn.append((sum(len(rows) for rows, _ in places), value, places))
    for _, value, places in sorted(drawn, key=lambda one: -one[0]):
        for rows, columns in places:
            mask[rows, columns] = value
    return mask
