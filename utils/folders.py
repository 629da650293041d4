"""Pictures and masks in folders: write a data set, read one, say what is wrong with one before anything learns from it.

A folder holds one mask for every picture, of the same name but for the ending, PNG or TIFF::

    images/a.png  images/b.tif ...     grey or colour
    masks/a.png   masks/b.tif  ...     0 = background, one other value (a mask) or one for each object (a label map)
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pooch
from PIL import Image
from scipy import ndimage
from skimage import measure

from utils import project, validate

IMAGES, MASKS = "images", "masks"
NUCLEI = project.DATA / "nuclei"
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")

_ENDINGS, _FOREIGN = (".png", ".tif", ".tiff"), (".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".npy")
_MIXED = "It is a picture, or was interpolated or saved as JPEG: resize masks with nearest neighbours only."
_ALONE = 0.01  # share of object pixels without a neighbour of their number; more come from interpolation


# ---- Write -----------------------------------------------------------------------------------------------------------


def export(samples, folder, overwrite=False) -> Path:
    """Write pictures and masks as PNG files, masks as 0 and 255, and return the folder.

    Images are rounded to multiples of 1/255, which those of ``shapes.draw`` are: :func:`load` gives their bytes back.
    Files of other names are never touched.

    Args:
        samples: anything with ``images``, float ``(N, H, W, 3)``, 0..1, and ``masks``, ``(N, H, W, 1)``, 0 or 1.
        folder: where to write; made if it does not exist.
        overwrite: write even if the folder holds something. Files of the same names are replaced.

    Raises:
        FileExistsError: the folder is not empty, or holds older pictures that would mix with the new ones.
        ValueError: no pairs of images and masks, see :mod:`utils.validate`.
    """
    folder = Path(folder)
    images, masks = validate.pair(samples.images, samples.masks)
    if images.shape[-1] != 3:
        raise ValueError(f"images have {images.shape[-1]} channels; give 3. Grey ones: images.repeat(3, axis=-1).")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(f"{folder} is not empty; choose another folder or pass overwrite=True.")
    names = [f"{number:05d}.png" for number in range(len(images))]
    older = {path.name for part in (IMAGES, MASKS) for path in (folder / part).glob("*.png")} - set(names)
    if older:
        raise FileExistsError(
            f"{folder} holds {_listed(older)}, which would mix with the pictures to write. Nothing is ever removed: "
            "choose another folder or remove them yourself."
        )
    for part, arrays in ((IMAGES, images), (MASKS, masks[..., 0])):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, array in zip(names, arrays):
            Image.fromarray(np.rint(array * 255.0).astype(np.uint8)).save(folder / part / name)
    return folder


# ---- Read ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Pair:
    """One picture and its label map.

    Attributes:
        name: of the files, without their ending.
        image: float32 ``(H, W)``, 0..1; colours are averaged.
        labels: int32 ``(H, W)``: 0 = background, 1, 2, ... = objects.
        binary: the map had two values, so its objects are its connected parts.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    binary: bool


def load(folder, size=None) -> tuple[np.ndarray, np.ndarray]:
    """Read pictures of one size and their masks, in the order of their names.

    Args:
        folder: holds ``images/`` and ``masks/``; black is background in a mask, one other value or colour is the shape.
        size: side of the square pictures in pixels, or None to accept any one size.

    Returns:
        Images, float32 ``(N, H, W, 3)``, 0..1, and masks, uint8 ``(N, H, W, 1)``, 0 or 1.

    Raises:
        ValueError: the message lists everything that is wrong with the folder.
    """
    pairs, wrong = _read_pairs(folder, _silhouette)
    wanted = (size, size) if size else pairs[0][1].shape if pairs else None
    wrong += [
        f"{name} is {_sides(image)} pixels, not {wanted[0]} x {wanted[1]}; give all pictures one size."
        for name, image, _ in pairs
        if image.shape[:2] != wanted[:2]
    ]
    _refuse(folder, wrong)
    _, images, masks = zip(*pairs)
    return np.stack(images), np.stack(masks)


def load_labels(folder, smallest=64) -> list[Pair]:
    """Read pictures with ``smallest`` pixels a side or more, and their label maps, in the order of their names.

    Raises:
        ValueError: the message lists everything that is wrong with the folder.
    """
    pairs, wrong, _ = _examine(folder, smallest)
    _refuse(folder, wrong)
    return pairs


def report(folder, smallest=64) -> bool:
    """Print what :func:`load_labels` finds, what is wrong and what is doubtful; True if the folder can be used."""
    pairs, wrong, doubtful = _examine(folder, smallest)
    if pairs:
        sizes = sorted({pair.image.shape for pair in pairs})
        listed = ", ".join(f"{height} x {width}" for height, width in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
        print(f"✓ {len(pairs)} pairs that can be read, {listed} pixels, {sum(p.labels.max() for p in pairs)} objects")
    for mark, lines in (("✗", wrong), ("…", doubtful)):
        for line in lines:
            print(f"{mark} {line}")
    return not wrong


def nuclei() -> tuple[np.ndarray, np.ndarray]:
    """Read the series' picture of nuclei and its label map, after comparing their checksums with the card.

    Returns:
        The picture, float32 ``(512, 512)``, 0..1, and its label map, int32 ``(512, 512)``: 0 = background, 1, 2, ... =
        nuclei, in the order of the file's own numbers.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not the one that the card describes.
    """
    arrays = []
    for name, expected in nuclei_card()["sha256"].items():
        if pooch.file_hash(NUCLEI / name) != expected:
            raise ValueError(
                f"{name} is damaged or another file: its SHA-256 is not that of its card; get the file again."
            )
        arrays.append(_read(NUCLEI / name))
    image, labels = arrays
    return _unit(image).astype(np.float32), _numbered(labels)[0]


def nuclei_card() -> dict:
    """What the picture of nuclei is: checksums, size, number of nuclei, source and licence."""
    return json.loads((NUCLEI / "card.json").read_text(encoding="utf-8"))


def quadrant(array, name) -> np.ndarray:
    """Cut one of the four ``QUADRANTS`` out of ``(H, W)`` or ``(H, W, C)``, H and W even; a view."""
    row, column = divmod(QUADRANTS.index(name), 2)
    height, width = (side // 2 for side in array.shape[:2])
    return array[row * height : (row + 1) * height, column * width : (column + 1) * width]


# ---- Every pair of a folder ------------------------------------------------------------------------------------------


def _read_pairs(folder, convert):
    """What ``convert(name, image, mask)`` makes of the pairs that can be read, and complaints about all else."""
    folder, results = Path(folder), []
    (images, wrong), (masks, more) = _files(folder / IMAGES), _files(folder / MASKS)
    wrong += more
    for names, other in ((images.keys() - masks.keys(), "mask"), (masks.keys() - images.keys(), "picture")):
        if names:
            wrong.append(f"without a {other} of the same name: {_listed(names)}.")
    if not images and not masks:
        wrong.append(f"{folder.name}/ holds no pictures that can be read ({', '.join(_ENDINGS)}).")
    for name in sorted(images.keys() & masks.keys()):
        try:
            image, mask = _read(images[name]), _read(masks[name])
            if image.shape[:2] != mask.shape[:2]:
                raise ValueError(
                    f"{name}: the picture is {_sides(image)}, its mask {_sides(mask)}; both need one size. "
                    "Resize masks with nearest neighbours only."
                )
            results.append(convert(name, image, mask))
        except ValueError as error:
            wrong.append(str(error))
    return results, wrong


def _refuse(folder, wrong):
    """Raise a ValueError that lists what is wrong, if anything is."""
    if wrong:
        raise ValueError("\n".join([f"{Path(folder).name} cannot be used yet:", *(f"- {line}" for line in wrong)]))


def _files(folder):
    """The files that can be read, name without ending -> path, and complaints about others."""
    if not folder.is_dir():
        return {}, [f"there is no folder {folder.name}/ in {folder.parent.name}/, which needs {IMAGES}/ and {MASKS}/."]
    files, wrong = {}, []
    for path in sorted(folder.glob("[!.]*")):
        ending = path.suffix.lower()
        if ending in _FOREIGN:
            advice = " JPEG changes the numbers of a mask." if ending in (".jpg", ".jpeg") else ""
            wrong.append(f"{folder.name}/{path.name} is none of {', '.join(_ENDINGS)}; convert or remove it.{advice}")
        elif ending in _ENDINGS and path.stem in files:
            wrong.append(f"{folder.name}/ holds two files called {path.stem}; keep one.")
        elif ending in _ENDINGS:
            files[path.stem] = path
    return files, wrong


def _read(path):
    """The pixels of a picture, ``(H, W)`` or ``(H, W, 3)``; palettes become colours, transparency is dropped."""
    try:
        with Image.open(path, formats=["PNG", "TIFF"]) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                raise ValueError(f"{path.name} holds {picture.n_frames} pictures, a stack; save the one that is meant.")
            if picture.mode in ("P", "PA", "RGBA", "CMYK", "YCbCr"):
                picture = picture.convert("RGBA").convert("RGB")
            elif picture.mode == "LA":
                picture = picture.convert("L")
            pixels = np.asarray(picture)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.parent.name}/{path.name} cannot be read ({error}); replace or remove it.") from error
    if not np.isfinite(pixels).all():
        raise ValueError(f"{path.parent.name}/{path.name} holds values that are NaN or infinite.")
    return pixels


def _unit(image):
    """A picture of 8 or 16 bits, or of floats, on the scale 0..1; floats are stretched to it."""
    if image.dtype.kind == "f":
        return (image - image.min()) / max(image.max() - image.min(), 1e-12)
    return image / (1 if image.dtype == bool else 255 if image.dtype == np.uint8 else max(65535, image.max()))


def _numbered(mask):
    """The numbers or colours of a mask as 0, 1, 2, ... in their order, int32 ``(H, W)``, and what they were."""
    if mask.ndim == 3:
        mask = mask.astype(np.int64) @ [65536, 256, 1]
    values, flat = np.unique(mask, return_inverse=True)
    return flat.reshape(mask.shape).astype(np.int32), values


def _silhouette(name, image, mask):
    """Name, float32 image of three channels and mask of 0 and 1, or a ValueError that says what is wrong."""
    values = _numbered(mask)[1]
    if len(values) > 2:
        raise ValueError(f"{name}: the mask holds {len(values)} values, not two, black and one other. {_MIXED}")
    if values[0] and (len(values) > 1 or values[0] not in (1, 255, 65535, 0xFFFFFF)):
        raise ValueError(f"{name}: the mask has no background (0 or black).")
    image, mask = (array if array.ndim == 3 else array[..., None] for array in (image, mask))
    image = np.broadcast_to(_unit(image).astype(np.float32), (*image.shape[:2], 3))
    return name, image, mask.any(axis=-1, keepdims=True).astype(np.uint8)


def _examine(folder, smallest):
    """The pairs of pictures and label maps that can be used, what is wrong with others, and what is doubtful."""
    pairs, wrong = _read_pairs(folder, lambda *read: _pair(*read, smallest))
    doubtful = [doubt for pair in pairs for doubt in _doubts(pair)]
    if pairs and all(pair.binary for pair in pairs):
        doubtful.append("all masks have two values: objects that touch count as one, and cannot be learned apart.")
    if pairs and not any(pair.labels.any() for pair in pairs):
        wrong.append("no mask holds an object; there is nothing to learn.")
    return pairs, wrong, doubtful


def _pair(name, image, mask, smallest):
    """One picture and its label map, or a ValueError that says what is wrong."""
    if min(image.shape[:2]) < smallest:
        raise ValueError(f"{name}: {_sides(image)} is too small; {smallest} pixels a side are needed.")
    image = _unit(image)
    image = (image.mean(axis=-1) if image.ndim == 3 else image).astype(np.float32)
    if image.min() == image.max():
        raise ValueError(f"{name}: all pixels of the picture have one value; nothing can be seen in it.")
    if (mask != np.rint(mask)).any():
        raise ValueError(f"{name}: the mask holds fractions; save it as whole numbers, without interpolation.")
    labels, values = _numbered(mask)
    if values[0]:
        raise ValueError(f"{name}: the mask has no background (0 or black), its smallest number is {values[0]:g}.")
    parts = _parts(labels)
    alone = np.sum(np.bincount(parts.ravel())[1:] == 1) / max(np.count_nonzero(labels), 1)
    if alone > _ALONE:
        raise ValueError(f"{name}: {alone:.0%} of the mask's object pixels have no neighbour of their number. {_MIXED}")
    binary = len(values) == 2
    return Pair(name, image, parts if binary else labels, binary)


def _doubts(pair):
    """What needs a look."""
    if not pair.labels.any():
        yield f"{pair.name}: no object. That is right if there is none in the picture."
    share = (pair.labels > 0).mean()
    if share > 0.9:
        yield f"{pair.name}: {share:.0%} of the pixels are objects. Are background and objects swapped?"
    objects = ndimage.find_objects(pair.labels)
    broken = sum(_parts(pair.labels[box] == number).max() > 1 for number, box in enumerate(objects, 1))
    if broken:
        yield f"{pair.name}: {broken} objects are in several pieces. Does one number stand for two objects?"


def _parts(labels):
    """Number the connected parts of a label map: pixels of one number that are joined by their sides."""
    return measure.label(labels, background=0, connectivity=1).astype(np.int32)


def _sides(array):
    """Height and width in words."""
    return f"{array.shape[0]} x {array.shape[1]}"


def _listed(names, most=5):
    """Name the first few files and count the rest."""
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
