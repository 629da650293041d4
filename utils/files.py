"""One file of an image or of a mask as an array. What a file is, its content says: its ending may be wrong.

Pillow and tifffile decode; here is decided what their arrays mean: turned images, palettes, transparency, channels first,
white as zero. Whatever cannot be meant as one image is refused in words, and before its pixels are unpacked.
"""

from __future__ import annotations

import dataclasses
import logging
import warnings
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is said here, or of no interest

ENDINGS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".tif": "TIFF", ".tiff": "TIFF",
    ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP",
}  # fmt: skip
MOST_PIXELS = 64 * 2**20

_MAGIC = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WEBP",
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip
_AXES = {"Z": "depth Z", "T": "time T", "C": "channels C", "S": "samples S"}
_PLAIN, _DEFLATED = (1, 8, 32946, 32773), (8, 32946)  # compressions of TIFF that tifffile itself decodes


class Refused(ValueError):
    """A file that cannot be used, and why."""


@dataclasses.dataclass
class Pixels:
    """What a file holds.

    Attributes:
        array: ``(H, W)`` or ``(H, W, 3)``, in the numbers and the dtype of the file.
        palette: uint8 ``(n, 3)``, the colours of a mask whose array holds places in a palette; else None.
        turn: the orientation tag, 1 to 8; 1 is upright. The array has been turned unless that was not wanted.
        notes: what a reader should know.
    """

    array: np.ndarray
    palette: np.ndarray | None = None
    turn: int = 1
    notes: list = dataclasses.field(default_factory=list)


def read_image(path, upright=True) -> Pixels:
    """Read an image: grey ``(H, W)`` or colour ``(H, W, 3)``, palettes as colours, transparent parts black.

    Raises:
        ValueError: this is no image that can be used; the message says why.
    """
    found, white_is_zero, alpha = _read(path)
    if found.palette is not None:
        found.array, found.palette = found.palette[found.array], None
    if white_is_zero:
        _invert(found)
    array = found.array
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        array, last = array[..., :-1], array[..., -1:]
        if not alpha:
            found.notes.append("the last of its channels is left out; three are used")
        elif (last != last.flat[0]).any():
            array = (array * (last / (255 if last.dtype == np.uint8 else 65535))).astype(array.dtype)
            found.notes.append("transparent parts become black")
    found.array = _grey(array)
    return _turned(found) if upright else found


def read_mask(path) -> Pixels:
    """Read a mask, whole numbers ``(H, W)`` or colours uint8 ``(H, W, 3)``; a palette's places stay numbers.

    Raises:
        ValueError: this is no mask that can be used; the message says why.
    """
    path = Path(path)
    if content(path) == "JPEG":
        raise ValueError("is a JPEG, which changes the numbers of a mask at every edge; save masks as PNG.")
    found, white_is_zero, alpha = _read(path)
    if found.array.dtype.kind == "f":
        if (found.array != np.rint(found.array)).any():
            raise ValueError("holds fractions; a mask needs whole numbers: round, or compare with a threshold.")
        found.array = found.array.astype(np.int64)
    if found.array.dtype == bool:
        found.array = found.array.astype(np.uint8)
    if found.array.dtype.kind == "i" and found.array.size and found.array.min() >= 0:
        found.array = found.array.astype(np.uint32)
    if white_is_zero:
        found.notes.append("its tag says that white is 0; the numbers are taken as written")
    if found.array.ndim == 3 and found.array.shape[-1] in (2, 4):
        found.array = _without_alpha(found, alpha)
    found.array = _grey(found.array)
    return _turned(found)


def content(path) -> str:
    """The format that the first bytes of a file name: ``"PNG"``, ``"TIFF"``, ...; a ValueError if they name none."""
    with open(path, "rb") as file:
        head = file.read(256)
    for magic, name in _MAGIC.items():
        if head.startswith(magic) and (name != "WEBP" or head[8:12] == b"WEBP"):
            return name
    if not head:
        raise ValueError("is empty (0 bytes); get the file again.")
    if head.startswith(b"version https://git-lfs"):
        raise ValueError("is a Git LFS pointer, not the file itself; run git lfs pull.")
    if head[4:8] == b"ftyp":
        raise ValueError("is HEIC, AVIF or a video; save it as PNG or JPEG.")
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<", b"{")) or all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head):
        kind = "a web page (HTML)" if start.startswith((b"<!doctype html", b"<html")) else "text"
        raise ValueError(f"is {kind}, not an image; get the file again.")
    raise ValueError("is none of PNG, JPEG, TIFF, GIF, BMP, WebP; save it as one of these.")


# ---- Decode ----------------------------------------------------------------------------------------------------------


def _read(path):
    """What a file holds, whether white is zero in it, and whether its last channel is transparency."""
    path = Path(path)
    name = content(path)
    try:
        found = _tiff(path) if name == "TIFF" else (_pillow(path, [name]), False, True)
    except Refused:
        raise
    except MemoryError:
        raise Refused("needs more memory than there is; cut it into parts.") from None
    except Exception as error:  # decoders raise nearly anything for a damaged file
        raise Refused(f"cannot be read, it is damaged or cut short ({error}); replace or remove it.") from error
    if ENDINGS.get(path.suffix.lower(), name) != name:
        found[0].notes.append(f"is {name} although its name ends in {path.suffix}; read as {name}")
    array = found[0].array = np.asarray(found[0].array, found[0].array.dtype.newbyteorder("="))
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        raise Refused(f"holds {np.sum(~finite)} values that are NaN or infinite; replace them.")
    if array.dtype.kind not in "biuf":
        raise Refused(f"holds numbers of type {array.dtype}; whole numbers and floats can be read.")
    return found


def _pillow(path, formats) -> Pixels:
    """Read a file with Pillow. The size is looked at before anything is unpacked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bombs, which are refused below
        try:
            picture = Image.open(path, formats=formats)
        except Image.DecompressionBombError:
            raise Refused(_too_large("more than 170")) from None
    with picture:
        _check_size(*picture.size)
        if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise Refused(f"holds {picture.n_frames} images, a stack; save each one as a file of its own.")
        deep = picture.tile and picture.tile[0][3] in ("RGB;16B", "RGBA;16B")  # before anything reads the pixels
        turn = picture.getexif().get(274, 1)
        palette = None
        if picture.mode == "P":
            palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
            palette = np.concatenate([palette, np.zeros((256 - len(palette), 3), np.uint8)])
        elif picture.mode in ("PA", "CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"):
            picture = picture.convert("RGBA" if "A" in picture.mode.upper() and picture.mode != "LAB" else "RGB")
        notes = ["its 16 bits a colour are read as 8; save it as TIFF if they matter"] if deep else []
        array = np.array(picture)
        return Pixels(
            array.astype(np.uint16) if formats == ["PNG"] and picture.mode == "I" else array, palette, turn, notes
        )


def _tiff(path):
    """Read a TIFF: its first image if its pages are one, in rows, columns and channels."""
    # An OME file may name others as its parts; they may lie anywhere, so only this file is read.
    with tifffile.TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False) as file:
        if not file.series:
            raise Refused("holds no image.")
        page, series = file.pages[0], file.series[0]
        array_of = {axis: length for axis, length in zip(series.axes, series.shape) if length > 1 or axis in "YX"}
        channels = [axis for axis in array_of if axis in "CS"]
        for axis in array_of:
            if axis not in "YXCS" or (axis == "C" and len(channels) > 1):
                what = f"{array_of[axis]} images along {_AXES.get(axis, 'its pages')}"
                hot = " If its last axis holds channels (one-hot), save its argmax." if array_of["X"] <= 32 else ""
                raise Refused(
                    f"is a stack of {what}; save each one as a file of its own, or the one that is meant.{hot}"
                )
        _check_size(array_of["X"], array_of["Y"])
        if channels and array_of[channels[0]] not in (2, 3, 4):
            raise Refused(
                f"has {array_of[channels[0]]} channels, or is a stack of as many images; 1 or 3 channels can be used. Save "
                "those that are meant, each image of a stack as a file of its own, a one-hot mask as its argmax."
            )
        photometric, extra = int(page.photometric), tuple(map(int, page.extrasamples))
        if page.compression not in _PLAIN or page.predictor == 3 or photometric in (5, 6, 8):
            found = _pillow(path, ["TIFF"])
            if photometric == 0 and found.array.dtype in (np.uint8, bool):  # undo what Pillow exchanged
                found.array = ~found.array
            return found, photometric == 0, not extra or extra[-1] in (1, 2)
        if page.compression in _DEFLATED:
            _check_parts(file, page)
        array = series.asarray(maxworkers=1).reshape(tuple(array_of.values()))
        if channels:
            array = np.moveaxis(array, list(array_of).index(channels[0]), -1)
        palette = None
        if photometric == 3 and page.colormap is not None and array.ndim == 2:
            palette = (page.colormap.T >> 8).astype(np.uint8)
        turn = page.tags.valueof(274, 1)
        alpha = not extra or extra[-1] in (1, 2)
        return Pixels(np.ascontiguousarray(array), palette, turn), photometric == 0, alpha


def _check_parts(file, page):
    """Refuse a TIFF whose packed parts hold more than the size in its header, before they are unpacked in full."""
    most = int(np.prod(page.chunks)) * page.dtype.itemsize + 1024
    for offset, count in zip(page.dataoffsets, page.databytecounts):
        file.filehandle.seek(offset)
        if len(zlib.decompressobj().decompress(file.filehandle.read(count), most + 1)) > most:
            raise Refused("holds more than its size says; it is damaged, or made to do damage: remove it.")


def _check_size(width, height):
    """Refuse what is too large to work with."""
    if width * height > MOST_PIXELS:
        raise Refused(_too_large(f"{height} x {width} pixels, {width * height / 2**20:.0f}"))


def _too_large(size):
    return f"is too large: {size} megapixels, at most {MOST_PIXELS // 2**20} can be read; cut it into parts."


# ---- What the numbers mean -------------------------------------------------------------------------------------------


def _invert(found):
    """Exchange black and white of whole numbers."""
    kind = found.array.dtype.kind
    found.array = ~found.array if kind in "bu" else found.array.max() + found.array.min() - found.array


def _grey(array):
    """Three equal channels, or one, as ``(H, W)``; all else as it is."""
    if array.ndim == 3 and all((array[..., 0] == array[..., k]).all() for k in range(1, array.shape[-1])):
        return array[..., 0]
    return array


def _without_alpha(found, alpha):
    """A mask without its last channel, which is the mask itself where nothing else varies."""
    colours, last = found.array[..., :-1], found.array[..., -1]
    there = last > 0
    if alpha and (last != last.flat[0]).any():
        shown = colours[there]
        if (shown == shown[:1]).all():
            found.notes.append("its transparency is taken as the mask")
            return last
        return np.where(there[..., None], colours, 0)
    return colours


def _turned(found):
    """Turn an array as its orientation tag says."""
    array = found.array
    if found.turn in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if found.turn in (2, 3, 6, 7):
        array = array[:, ::-1]
    if found.turn in (3, 4, 7, 8):
        array = array[::-1]
    found.array = np.ascontiguousarray(array)
    return found
