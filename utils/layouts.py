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
    "x image images img imgs im pictures picture pics pic photos photo inputs input raw frames sat rgb original".split()
)
_MASK = set(
    "mask masks label labels lbl lbls annotation annotations annot annots anno ann segmentation segmentations seg segs gt gts "
    "truth groundtruth groundtruths target targets trimap trimaps matte mattes manual objects msk msks binary annotated "
    "semantic instance instances outlines silhouettes y".split()
)
_FILLERS = set("ground class object fine coarse ids id jpeg left 8 bit camera 1st full".split())
_SPLITS = {
    "train": "train", "training": "train", "tr": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "dev": "validation", "test": "test", "testing": "test", "ts": "test",
}  # fmt: skip
_MASK_ENDS = (
    r"masks?|labels?|lbl|segmentations?|segs?|gt|ground_?truth|annotations?|annot|anno|trimap|matte|targets?|manual\d*|l|"
    r"\d(?:st|nd)(?:ho|_manual)|gt(?:fine|coarse)\w*|label_?ids|instance_?ids|colou?rs?|"
    r"(?<=[_\-. ])(?:(?:mask|label|seg|gt)\d|(?:annotator|expert|rater)_?\d)"
)
_IMAGE_ENDS = r"images?|imgs?|leftimg8bit|0000|sat|training|test|rgb|raw|inputs?|original|orig|photo"
_TABLE = r"(class|colou?r|label|names|legend|dict).*\.(txt|csv)$"
_SAME = (("stem", "stem"), ("stem", "bare"), ("clean", "stem"), ("clean", "bare"), ("clean", "clean"))
"""Which name of an image is compared with which name of a mask, the strictest first."""
_RANKS = {
    r"label_?ids": 0, r"1st|manual1?(?!\d)|segmentationclass": 1, r"train_?ids": 6, r"colou?r|2nd|manual2": 7,
    r"instance|segmentationobject": 8, r"viz|overlay|edge|weight": 9,
}  # fmt: skip
"""Of several masks of an image the one of the lowest rank is taken; others have 5."""


@dataclasses.dataclass
class Found:
    """An image and what belongs to it.

    Attributes:
        name: the image's path below the folder, without its ending.
        image: the file of the image.
        masks: the file of its mask, or one file for each object.
        split: ``"train"``, ``"validation"``, ``"test"`` or None, from the names of the folders.
        shapes: polygons as ``(class, outlines)``, outlines float ``(n, 2)`` in x and y; None if masks are files.
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
    unread: list = dataclasses.field(default_factory=list)
    left: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))  # why -> what is left out
    one_file_an_object: bool = False


def find(folder, kind=None) -> Layout:
    """Pair the images and the masks below a folder; a ValueError if there is no such folder."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        what = "is a file; give the folder that holds it" if root.exists() else "there is no such folder"
        raise ValueError(f"{root}: {what} (looked up from {Path.cwd()}).")
    layout, tables, images, masks = Layout(), [], [], []
    for item in _files_below(root, layout):
        table = item.path.suffix.lower() in (".json", ".csv", ".txt")
        (tables if table else masks if item.is_mask else images).append(item)
    if not images and any(item.bare != item.stem for item in masks):  # all below a folder called labels, say
        images, masks = ([item for item in masks if (item.bare != item.stem) == one] for one in (False, True))
    _move_masks_out(images, masks)
    _pair(images, masks, layout, kind)
    _read_tables(tables, images, layout)
    layout.pairs.sort(key=lambda found: _natural(found.name))
    _say_left_out(layout, images, masks)
    return layout


def listed(names, most=5) -> str:
    """Name the first few and count the rest."""
    names = sorted(map(str, names), key=_natural)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# ---- One file ----------------------------------------------------------------------------------------------------------


class _Item:
    """A file's role and the names that it goes by."""

    def __init__(self, path, root):
        self.path, self.short, self.used = path, path.relative_to(root).as_posix(), False
        folders = self.short.split("/")[:-1]
        words = [_words(part) for part in folders]
        self.place = "/".join(filter(None, map(_rest, folders)))
        self.split = next((_SPLITS[v] for w in reversed(words) for v in w if v in _SPLITS), None)
        self.stem = _folded(path.stem)
        self.bare = _without(_MASK_ENDS, self.stem)
        self.clean = _without(_IMAGE_ENDS, self.bare)
        self.shorter = re.sub(r"[_\-. ]+[^_\-. ]+$", "", self.stem)
        self.plain = re.sub(r"(?<!\d)0+(?=\d)", "", self.clean)
        self.is_jpeg = files.ENDINGS.get(path.suffix.lower()) == "JPEG"
        # The name of its image, if this is one of several masks: without a number behind it.
        short = re.sub(r"[_\-. (]+\d+\)?$", "", self.stem)
        self.numbered = None if short == self.stem else _without(_MASK_ENDS, short)
        self.ends = self.bare != self.stem or self.numbered not in (None, short)
        self.name = "/".join([*(part for part in folders if _rest(part)), path.stem])
        # The innermost folder with a role says it; first those without a number: masks/im_7/1.png is a mask of im_7.
        roles = [(not re.search(r"\d", part), k, bool(set(words[k]) & _MASK)) for k, part in enumerate(folders)]
        roles = [role for role in roles if set(words[role[1]]) & (_MASK | _IMAGE)]
        self.is_mask = max(roles)[2] if roles else self.bare != self.stem


def _folded(text):
    return unicodedata.normalize("NFC", text).casefold()


def _words(part):
    """The words of a folder's name: ``trainannot``, ``train_labels`` and ``labelsTr`` have two each."""
    words = re.findall(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+", unicodedata.normalize("NFC", part))
    text = " ".join(words).casefold()
    return re.sub(r"\b(train|val|test)(?=(?:annot|mask|label|image|img))", r"\1 ", text).split()


def _rest(part):
    """A folder's name without the words that say image or mask."""
    return "".join(word for word in _words(part) if word not in _MASK | _IMAGE | _FILLERS)


def _without(ends, stem):
    """A stem without a word of these before or behind it; without anything if it is such a word."""
    stem = re.sub(rf"(?:^|[_\-. ]+|(?<=\d))(?:{ends})$", "", stem)
    return re.sub(rf"^(?:{ends})(?:[_\-. ]+|(?=\d))", "", stem)


def _natural(name):
    """Sort ``a2`` before ``a10``."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


# ---- All files ---------------------------------------------------------------------------------------------------------


def _files_below(root, layout):
    """Every file that may hold an image, a mask or a table; other files, and links that lead out, are named."""
    items, foreign, links = [], [], []
    for place, folders, names in os.walk(root):
        links += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        for path in (Path(place, name) for name in names):
            ending = path.suffix.lower()
            if path.name.startswith(".") or path.name.casefold() in ("thumbs.db", "desktop.ini"):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                links.append(path)
            elif not path.is_file():  # a pipe, say, would be waited for
                foreign.append(path)
            elif ending in (".txt", ".csv", ".xml") and not re.search(_TABLE, path.name.casefold()):
                layout.unread.append(path.name)
            elif ending in (*files.ENDINGS, ".json", ".txt", ".csv") or _looks_like_image(path):
                items.append(_Item(path, root))
            elif ending not in (".md", ".ini", ".yaml"):
                foreign.append(path)
    if links:
        few = listed(path.relative_to(root).as_posix() for path in links)
        layout.problems.append(f"links are not followed out of the folder or into another: {few}. Copy the files here.")
    if foreign:
        few = listed(path.relative_to(root).as_posix() for path in foreign)
        layout.doubts.append(f"left out, neither image nor table of classes: {few}.")
    return sorted(items, key=lambda item: _natural(item.short))


def _looks_like_image(path):
    try:
        return bool(files.content(path))
    except (ValueError, OSError):
        return False


def _move_masks_out(images, masks):
    """In a folder of both, what is called ``a_mask`` is one if ``a`` is there too; without any, of twins the PNG is one."""
    stems = {(item.place, name) for item in images for name in [item.stem] + [item.clean] * (not item.ends)}
    theirs = {mask.stem for mask in masks}  # an image whose mask has its very name is none itself
    ends = [item for item in images if item.ends and item.stem not in theirs]
    moved = [i for i in ends if {(i.place, name) for name in (i.bare, i.clean, i.numbered)} & stems]
    if not masks and not moved:
        photos = {(item.path.parent, item.stem) for item in images if item.is_jpeg}
        moved = [item for item in images if (item.path.parent, item.stem) in photos and not item.is_jpeg]
    gone = set(moved)
    masks += moved
    images[:] = [item for item in images if item not in gone]


def _pair(images, masks, layout, kind):
    """Give each mask to the image of its key: the same place and name, then the name alone, then what is left."""
    for items in (images, masks):
        groups = collections.Counter((item.path.parent, item.stem) for item in items)
        for (folder, stem), count in groups.items():
            if count > 1:
                layout.problems.append(f"{folder.name}/ holds two files called {stem}; keep one.")
    belongs = collections.defaultdict(list)
    for here in (True, False):
        for of_image, of_mask in _SAME if here else (*_SAME, ("plain", "plain"), ("stem", "shorter")):
            known = collections.defaultdict(list)
            for item in images:
                known[here and item.place, getattr(item, of_image)].append(item)
            for mask in masks:
                fit = known.get((here and mask.place, getattr(mask, of_mask)), [])
                if not mask.used and len(fit) == 1:
                    belongs[fit[0]].append(mask)
                    mask.used = True
        if here:
            _one_file_an_object(images, masks, belongs, layout)
    digits = [{"".join(re.findall(r"\d+", item.stem)): item for item in items} for items in (images, masks)]
    if not belongs and digits[0].keys() == digits[1].keys() and len(digits[0]) == len(images) == len(masks):
        for key, item in digits[0].items():
            belongs[item] = [digits[1][key]]
            digits[1][key].used = True
        for item in images[:1]:
            pair = f"{item.short} with {belongs[item][0].short}, ..."
            layout.doubts.append(f"paired by the numbers in their names: {pair} Look whether they belong together.")
    spare = []
    for item, own in belongs.items():
        item.used = True
        if not layout.one_file_an_object:
            own.sort(key=lambda mask: (_rank(mask, kind), _natural(mask.short)))
            spare += [mask.short for mask in own[1:]]
            own = own[:1]
        layout.pairs.append(Found(item.name, item.path, [mask.path for mask in own], item.split or own[0].split))
    if spare:
        layout.doubts.append(f"several masks for one image (people? classes?); one is used; left out: {listed(spare)}.")


def _rank(mask, kind):
    """What is taken first where several masks fit: class numbers before colours and objects, unless objects are wanted."""
    rank = max([rank for words, rank in _RANKS.items() if re.search(words, mask.short.casefold())], default=5)
    return -1 if kind == "objects" and rank == 8 else rank


def _one_file_an_object(images, masks, belongs, layout):
    """Masks in the folder of one image, in a folder of its name, or with its name and a number: each is an object."""
    places, names, taken = collections.defaultdict(list), {}, {item.place for item in belongs}
    for item in images:
        places[item.place].append(item)
        names[item.place, item.stem] = names[item.place, item.clean] = item
        places["/".join(filter(None, (item.place, _rest(item.path.stem) or "/")))].append(item)
    for mask in [mask for mask in masks if not mask.used]:
        image, there = names.get((mask.place, mask.numbered)), places.get(mask.place, [])
        if image is None and len(there) == 1 and mask.place not in taken:
            image = there[0]
        if image is not None:
            belongs[image].append(mask)
            mask.used = True
            layout.one_file_an_object |= len(belongs[image]) > 1


def _say_left_out(layout, images, masks):
    """Name images and masks without a partner, a line for each folder."""
    for items, other in ((images, "a mask"), (masks, "an image")) if images and masks or layout.pairs else ():
        groups = collections.defaultdict(list)
        for item in items:
            if not item.used:
                groups["/".join(item.short.split("/")[:-1] + [""])].append(item.stem)
        for folder, stems in list(groups.items())[:5]:
            where = f"{folder and folder + ': '}{listed(stems)}"
            layout.doubts.append(f"without {other} of the same name, left out: {where}.")
        layout.doubts += [f"... and {len(groups) - 5} more folders like this."] * (len(groups) > 5)
    if layout.pairs and len(images) == len(masks) and not all(item.used for item in images):
        layout.doubts.append("there are as many masks as images: are their numbers shifted? Then pairs are wrong ones.")
    if not layout.pairs:
        what = "no images that can be read (PNG, JPEG, TIFF, GIF, BMP, WebP)"
        if images and masks:
            what = f"{len(images)} images and {len(masks)} masks, but no two whose names belong together"
        elif images:
            what = f"{len(images)} images, but no masks (a folder masks/ or labels/, or names such as a_mask.png)"
        elif masks:
            what = f"{len(masks)} masks, but no images (a folder images/)"
        also = " Files such as {} are not read: export masks, COCO or labelme polygons."
        also = also.format(listed(layout.unread, 2)) if layout.unread else ""
        layout.problems.append(f"the folder holds {what}.{also}")


# ---- Tables and polygons ---------------------------------------------------------------------------------------------


def _read_tables(tables, images, layout):
    """Names of classes from a small table; polygons from COCO and labelme."""
    by_name = collections.defaultdict(list)
    for item in images:
        by_name[_folded(item.path.name)].append(item)
        by_name[item.place, item.stem].append(item)
    for item in tables:
        try:
            if item.path.stat().st_size > 100 * 2**20:
                raise ValueError("larger than 100 MB; split it")
            text = item.path.read_text(encoding="utf-8-sig", errors="replace")
            if item.path.suffix.lower() == ".json":
                _json(item, json.loads(text), by_name, layout)
            else:
                layout.names |= _names_in(text)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            layout.left[f"cannot be read as polygons ({type(error).__name__}: {error})"].append(item.short)
    layout.doubts += [f"{why}; left out: {listed(names)}." for why, names in layout.left.items()]


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
    if "shapes" in data and "imagePath" in data:  # labelme
        name = _file_name(data["imagePath"])
        shapes = [_labelme(shape) for shape in data["shapes"]]
        _give(item, by_name.get((item.place, item.stem)) or by_name.get(name, []), shapes, layout)
    elif "images" in data and "annotations" in data:  # COCO
        names = {one["id"]: str(one["name"]) for one in data.get("categories", [])}
        shapes = collections.defaultdict(list)
        for one in data["annotations"]:
            try:
                parts = [_points(ring) for ring in one["segmentation"]]
            except (KeyError, TypeError, ValueError):
                parts = None
            shapes[one["image_id"]].append((names.get(one["category_id"], str(one["category_id"])), parts or None))
        for one in data["images"]:
            fit = by_name.get(_file_name(one["file_name"]), [])
            near = [image for image in fit if image.path.parent == item.path.parent]
            _give(item, near if len(fit) > 1 else fit, shapes[one["id"]], layout, str(one["file_name"]))
    else:
        layout.unread.append(item.path.name)


def _file_name(path):
    return _folded(str(path).replace("\\", "/").rpartition("/")[2])


def _points(values):
    points = np.array(values, float).reshape(-1, 2)
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > 1e6:
        raise ValueError("points that are no places in an image")
    return points


def _labelme(shape):
    """A labelme shape as its label and its outlines; None for these if it is no area."""
    points, kind = _points(shape["points"]), shape.get("shape_type") or "polygon"
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return str(shape["label"]), [points] if kind in ("polygon", "rectangle") else None


def _give(item, fit, shapes, layout, wanted=None):
    """Give polygons to their image; one with other annotations is left out, as its mask would have holes."""
    if len(fit) != 1:
        why = f"{item.path.name} has polygons for {'several images' if fit else 'images that are not there'}"
        layout.left[why].append(wanted or item.stem)
    elif not fit[0].used:
        fit[0].used = True
        if any(parts is None for _, parts in shapes):
            why = "only polygons can be drawn, no run lengths (RLE), boxes or lines: export polygons or mask images"
            layout.left[why].append(fit[0].stem)
        else:
            layout.pairs.append(Found(fit[0].name, fit[0].path, [item.path], fit[0].split, shapes))


def painted(shapes, size, numbers=None) -> np.ndarray:
    """Paint polygons, the largest first: int32 ``(H, W)``, 0 = background.

    Args:
        shapes: list of ``(class, outlines)``.
        size: height and width.
        numbers: class -> value; by default the polygons are numbered 1, 2, ...
    """
    mask, drawn = np.zeros(size, np.int32), []
    for number, (label, parts) in enumerate(shapes, 1):
        # A pixel belongs to a polygon if its centre does; coordinates count from the corner of the first pixel.
        places = [draw.polygon(part[:, 1] - 0.5, part[:, 0] - 0.5, size) for part in parts if len(part) > 2]
        drawn.append((sum(len(rows) for rows, _ in places), numbers.get(label, 0) if numbers else number, places))
    for _, value, places in sorted(drawn, key=lambda one: -one[0]):
        for rows, columns in places:
            mask[rows, columns] = value
    return mask
