"""Pictures and masks as PNG files: write a data set into a folder, and read such a folder back.

A folder looks like this, with one mask of the same name for every picture::

    images/00000.png  images/00001.png  ...     8-bit RGB
    masks/00000.png   masks/00001.png   ...     8-bit grey, 0 = ground, 255 = shape
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from utils import given

IMAGES, MASKS = "images", "masks"
_FOREIGN = (".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy")


def export(samples, folder, overwrite=False) -> Path:
    """Write pictures and masks as PNG files.

    Masks are written as 0 and 255, so that any viewer shows them black and white. Images are rounded to multiples of
    1/255; those of ``shapes.draw`` are such multiples, so reading them back gives the same bytes. Files of other
    names are never touched.

    Args:
        samples: anything with ``images``, float32 ``(N, H, W, 3)``, 0..1, and ``masks``, uint8 ``(N, H, W, 1)``, 0 or
            1; for example what ``shapes.draw`` returns.
        folder: where to write; made if it does not exist.
        overwrite: write even if the folder holds something. Files of the same names are replaced.

    Returns:
        Path: the folder.

    Raises:
        FileExistsError: the folder is not empty and ``overwrite`` is False; or it would still hold older pictures that
            would mix with the new ones.
        NotADirectoryError: there is a file of that name.
        TypeError: no samples, no numbers, or not the name of a folder.
        ValueError: no pictures, wrong shapes, or values outside 0..1.
    """
    images, masks = _exportable(samples)
    folder, overwrite = given.path("folder", folder), given.flag("overwrite", overwrite)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give the name of a folder.")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(f"{folder} is not empty; choose another folder or pass overwrite=True.")
    names = [f"{number:05d}.png" for number in range(len(images))]
    older = sorted(set(_names(folder / IMAGES) + _names(folder / MASKS)) - set(names))
    if older:
        raise FileExistsError(
            f"{folder} holds {_listed(older)} besides the {len(names)} pictures to write; they would be mixed. "
            "Nothing is ever removed: choose another folder or remove them yourself."
        )
    for part, arrays in ((IMAGES, images), (MASKS, masks)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, array in zip(names, arrays):
            Image.fromarray(array).save(folder / part / name)
    return folder


def load(folder, size=None) -> tuple[np.ndarray, np.ndarray]:
    """Read a folder of pictures and masks.

    Args:
        folder: holds ``images/`` and ``masks/`` with PNG files of the same names. Pictures may be grey, RGB, RGBA (the
            transparency is dropped) or have a palette. In a mask black is ground and one other colour is the shape;
            grey 0 and 1 is understood as well as 0 and 255.
        size: expected side of the square pictures in pixels, or None to accept any one size.

    Returns:
        tuple: images, float32 ``(N, H, W, 3)``, 0..1, and masks, uint8 ``(N, H, W, 1)``, 0 or 1, in the order of their
        names.

    Raises:
        FileNotFoundError: the folder, ``images/`` or ``masks/`` is missing, or there are no PNG files.
        ValueError: names that do not pair, files of another picture format, sizes that differ, an unreadable PNG,
            more than 8 bits a channel, or a mask that holds anything but black and one other colour.
        TypeError: not the name of a folder, or a size that is not a whole number.
    """
    folder = given.path("folder", folder)
    size = None if size is None else given.whole("size", size, 1, 2**16)
    for part in (folder, folder / IMAGES, folder / MASKS):
        if not part.is_dir():
            raise FileNotFoundError(f"{part} is not a folder; needed is one that holds {IMAGES}/ and {MASKS}/.")
    foreign = [p.name for part in (IMAGES, MASKS) for p in (folder / part).iterdir() if p.suffix.lower() in _FOREIGN]
    if foreign:
        raise ValueError(f"{folder} holds files that are not PNG: {_listed(sorted(foreign))}. Convert or remove them.")
    names, mask_names = _names(folder / IMAGES), _names(folder / MASKS)
    if not names and not mask_names:
        raise FileNotFoundError(f"{folder / IMAGES} and {folder / MASKS} hold no PNG files.")
    _check_pairs(names, mask_names)
    images = [_read_image(folder / IMAGES / name) for name in names]
    masks = [_read_mask(folder / MASKS / name) for name in names]
    expected = images[0].shape[:2] if size is None else (size, size)
    why = f"like {names[0]}" if size is None else f"as size={size} asks"
    for part, arrays in ((IMAGES, images), (MASKS, masks)):
        for name, array in zip(names, arrays):
            if array.shape[:2] != expected:
                height, width = array.shape[:2]
                raise ValueError(
                    f"{part}/{name} is {height} x {width} pixels, not {expected[0]} x {expected[1]} {why}; "
                    "all pictures and masks need one size. Crop them, or resize masks with nearest neighbours only."
                )
    return np.stack(images).astype(np.float32) / np.float32(255), np.stack(masks)[..., None]


def _exportable(samples):
    """Return images uint8 (N, H, W, 3) and masks uint8 (N, H, W), 0 or 255, or raise an error in words."""
    if not (hasattr(samples, "images") and hasattr(samples, "masks")):
        raise TypeError(f"samples is {given.shown(samples)}; give images and masks, as shapes.draw returns them.")
    images, masks = given.array("samples.images", samples.images), given.array("samples.masks", samples.masks)
    if images.ndim != 4 or images.shape[-1] != 3 or not images.size or masks.shape != (*images.shape[:3], 1):
        raise ValueError(
            f"images have shape {images.shape} and masks {masks.shape}; they need (N, H, W, 3) and (N, H, W, 1) "
            "with the same N, H and W, and N of at least 1."
        )
    if not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1) or images.dtype.kind != "f":
        raise ValueError(
            f"images hold {images.dtype} from {images.min():g} to {images.max():g}; they need floats from 0 to 1."
        )
    if not np.isin(masks, (0, 1)).all():
        raise ValueError(f"masks hold values from {masks.min():g} to {masks.max():g}; only 0 and 1 are allowed.")
    return np.rint(images * 255).astype(np.uint8), masks[..., 0].astype(np.uint8) * np.uint8(255)


def _names(folder):
    """Return the names of the PNG files in a folder, sorted; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".png" and not p.name.startswith("."))


def _check_pairs(names, mask_names):
    """Raise an error that lists pictures without a mask and masks without a picture."""
    no_mask, no_image = sorted(set(names) - set(mask_names)), sorted(set(mask_names) - set(names))
    if no_mask or no_image:
        complaints = [f"without a mask: {_listed(no_mask)}"] * bool(no_mask)
        complaints += [f"without a picture: {_listed(no_image)}"] * bool(no_image)
        raise ValueError(
            f"{IMAGES}/ and {MASKS}/ do not pair ({'; '.join(complaints)}). Each picture needs a mask of the same name."
        )


def _listed(names, most=5):
    """Name the first few of some files and count the rest."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _read(path):
    """Return a PNG file as a loaded picture of 8 bits a channel, or raise an error that names it."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a PNG picture ({error}); replace or remove it.") from error
    if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise ValueError(f"{path} has Pillow's mode {picture.mode!r}; save it with 8 bits a channel, grey or RGB.")
    return picture


def _read_image(path):
    """Return a picture as uint8 (H, W, 3)."""
    return np.asarray(_read(path).convert("RGBA").convert("RGB"))


def _read_mask(path):
    """Return a mask as uint8 (H, W), 0 or 1. With a palette its colours count, not their order."""
    pixels = np.asarray(_read(path).convert("RGBA").convert("RGB"))
    colours = np.unique(pixels.reshape(-1, 3), axis=0)
    if len(colours) > 2:
        raise ValueError(
            f"{path} holds {len(colours)} different colours or greys; a mask holds two, black and one other. It may be "
            "a picture, or a mask that was interpolated: resize masks with nearest neighbours, never save them as JPEG."
        )
    if colours[0].any() and (len(colours) > 1 or tuple(colours[0]) not in ((1, 1, 1), (255, 255, 255))):
        raise ValueError(f"{path} holds the colours {colours.tolist()}; in a mask the ground is black, [0, 0, 0].")
    return pixels.any(axis=-1).astype(np.uint8)
