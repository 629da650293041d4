"""One file of an image or of a mask as an array. What a file is, its content says: its ending may be wrong.

Pillow and tifffile decode; here is decided what their arrays mean: turned images, palettes, transparency, channels first,
white as zero. What cannot be meant as one image is refused in words, before its pixels are unpacked.
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
    ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP", ".npy": "NPY",
}  # fmt: skip
MOST_MEGAPIXELS = 64

_MAGIC = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WEBP", b"\x93NUMPY": "NPY",
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip
_AXES = {"Z": "depth Z", "T": "time T"}
_PLAIN, _DEFLATED = (1, 8, 32946, 32773), (8, 32946)  # compressions of TIFF that tifffile itself decodes


class Refused(ValueError):
    """A file that cannot be used, and why."""


@dataclasses.dataclass
class Pixels:
    """What a file holds.

    Attributes:
        array: ``(H, W)`` or ``(H, W, 3)``, in the numbers and the dtype of the file.
        palette: uint8 ``(256, 3)``, the colours of a mask whose array holds places in a palette.
        turn: the orientation tag, 1 to 8; 1 is upright. The array has been turned unless that was not wanted.
        notes: what a reader should know.
        white_is_zero: the file says so; images have been inverted.
        alpha: a last channel, the second or fourth, is transparency.
    """

    array: np.ndarray
    palette: np.ndarray | None = None
    turn: int = 1
    notes: list = dataclasses.field(default_factory=list)
    white_is_zero: bool = False
    alpha: bool = True


def read_image(path, upright=True) -> Pixels:
    """Read an image, grey ``(H, W)`` or colour ``(H, W, 3)``; a ValueError says why it cannot be used."""
    found = _read(Path(path))
    array = found.array
    if found.palette is not None:
        array, found.palette = found.palette[array], None
    if found.white_is_zero:
        array = ~array if array.dtype.kind in "bu" else array.max() + array.min() - array
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        array, last = array[..., :-1], array[..., -1:]
        if not found.alpha:
            found.notes.append("the last of its channels is left out; three are used")
        elif (last != last.flat[0]).any():
            array = np.where(last > 0, array, 0)
            found.notes.append("transparent parts become black")
    found.array = np.ascontiguousarray(_grey(array))
    return _turned(found) if upright else found


def read_mask(path) -> Pixels:
    """Read a mask, whole numbers ``(H, W)`` or colours uint8 ``(H, W, 3)``; a ValueError says why it cannot be used."""
    if content(path) == "JPEG":
        raise Refused("is a JPEG, which changes the numbers of a mask at every edge; save masks as PNG.")
    found = _read(Path(path), is_mask=True)
    array = found.array
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise Refused("holds fractions; a mask needs whole numbers: round, or compare with a threshold.")
    array = array.astype({"f": np.int64, "b": np.uint8}.get(array.dtype.kind, array.dtype), copy=False)
    if found.white_is_zero:
        found.notes.append("its tag says that white is 0; the numbers are taken as written")
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        array, last = array[..., :-1], array[..., -1]
        there = last > 0
        if found.alpha and not there.all() and there.any():
            alone = (array[there] == array[there][:1]).all()
            array = last if alone else np.where(there[..., None], array, 0)
            found.notes += ["its transparency is taken as the mask"] if alone else []
    found.array = _grey(array)
    return _turned(found)


def content(path) -> str:
    """The format that the first bytes of a file name: ``"PNG"``, ``"TIFF"``, ...; a ValueError if they name none."""
    with open(path, "rb") as file:
        head = file.read(256)
    for magic, name in _MAGIC.items():
        if head.startswith(magic) and (name != "WEBP" or head[8:12] == b"WEBP"):
            return name
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for so, what in (
        (not head, "is empty (0 bytes); get the file again."),
        (head.startswith(b"version https://git-lfs"), "is a Git LFS pointer, not the file itself; run git lfs pull."),
        (head[4:8] == b"ftyp", "is HEIC, AVIF or a video; save it as PNG or JPEG."),
        (start.startswith((b"<!doctype html", b"<html")), "is a web page (HTML), not an image; get the file again."),
        (all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head), "is text, not an image; get the file again."),
    ):
        if so:
            raise Refused(what)
    raise Refused("is none of PNG, JPEG, TIFF, GIF, BMP, WebP; save it as one of these.")


# ---- Decode ----------------------------------------------------------------------------------------------------------


def _read(path, is_mask=False) -> Pixels:
    """What a file holds, with channels last; the one-hot channels of a mask become numbers."""
    name = content(path)
    try:
        found, axes = (
            _npy(path) if name == "NPY" else _tiff(path, is_mask) if name == "TIFF" else (_pillow(path, name), "YXS")
        )
        array = found.array = np.asarray(found.array, found.array.dtype.newbyteorder("="))
    except Refused:
        raise
    except (MemoryError, Image.DecompressionBombError):
        raise Refused("is too large; cut it into parts.") from None
    except Exception as error:  # decoders raise nearly anything for a damaged file
        raise Refused(f"cannot be read, it is damaged or cut short ({error}); replace or remove it.") from error
    if ENDINGS.get(path.suffix.lower(), name) != name:
        found.notes.append(f"is {name} although its name ends in {path.suffix}; read as {name}")
    if array.dtype.kind not in "biuf":
        raise Refused(f"holds numbers of type {array.dtype}; whole numbers and floats can be read.")
    if array.dtype.kind == "f" and (wrong := np.sum(~np.isfinite(array))):
        raise Refused(f"holds {wrong} values that are NaN or infinite; replace them.")
    if array.ndim == 3 and (name in ("NPY", "TIFF") and is_mask) and (hot := _one_hot(array, axes)) is not None:
        found.array = array.argmax(hot)
        found.notes.append(f"is one-hot, {array.shape[hot]} channels; the place of the 1 is taken as class")
    elif array.ndim == 3:
        found.array = np.ascontiguousarray(np.moveaxis(array, _channel_axis(array.shape, axes), -1))
    return found


def _pillow(path, name) -> Pixels:
    """Read a file with Pillow. The size is looked at before anything is unpacked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bombs, which are refused here
        picture = Image.open(path, formats=[name])
    with picture:
        _check_size(*picture.size)
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise Refused("holds several images, a stack; save each one as a file of its own.")
        deep = name == "PNG" and picture.tile and picture.tile[0][3] in ("RGB;16B", "RGBA;16B", "LA;16B")
        palette, turn = None, picture.getexif().get(274, 1)
        if picture.mode == "P":
            palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
            palette = np.pad(palette, ((0, 256 - len(palette)), (0, 0)))
        elif picture.mode not in ("1", "L", "LA", "RGB", "RGBA", "F") and picture.mode[0] != "I":
            picture = picture.convert("RGBA" if picture.mode in ("PA", "La", "RGBa") else "RGB")
        array = _deep_png(path) if deep else np.array(picture)
        return Pixels(array.astype(np.uint16) if name == "PNG" and picture.mode == "I" else array, palette, turn)


def _deep_png(path):
    """A PNG of 16 bits a colour, of which Pillow would read 8."""
    import tensorflow as tf  # only here: it takes seconds to load

    return tf.io.decode_png(tf.io.read_file(str(path)), dtype=tf.uint16).numpy()


def _npy(path):
    """Read an array; one that holds Python objects (a pickle) is refused."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False).squeeze()
    except ValueError as error:
        raise Refused(f"cannot be read as numbers ({error}); save it as PNG or TIFF.") from None
    if array.ndim not in (2, 3):
        raise Refused(f"is an array of shape {array.shape}; save each image as a file of its own.")
    axes = "YX" if array.ndim == 2 else "YXC" if array.shape[-1] <= 4 else "QYX"
    _check_size(*(side for side, axis in zip(array.shape, axes) if axis in "YXQ"))
    return Pixels(np.array(array), alpha=False), axes


def _tiff(path, is_mask):
    """Read a TIFF: its first image and the names of its axes."""
    # An OME file may name others as its parts; they may lie anywhere, so only this file is read.
    with tifffile.TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False) as file:
        if not file.series:
            raise Refused("holds no image.")
        page, series = file.pages[0], file.series[0]
        shape = {axis: length for axis, length in zip(series.axes, series.shape) if length > 1 or axis in "YX"}
        if len(shape) > 3:
            raise Refused(f"is a stack of images ({series.shape}); save each one as a file of its own.")
        if len(shape) == 3 and not (is_mask and min(shape.values()) <= 64):  # a mask may be one-hot
            _channel_axis(tuple(shape.values()), "".join(shape))
        _check_size(shape["X"], shape["Y"], max(1, int(np.prod(list(shape.values()))) // (shape["X"] * shape["Y"] * 4)))
        photometric, extra = int(page.photometric), tuple(map(int, page.extrasamples))
        if page.compression not in _PLAIN or page.predictor == 3 or photometric in (5, 6, 8):
            found = _pillow(path, "TIFF")
            if photometric == 0 and found.array.dtype in (np.uint8, bool):  # undo what Pillow exchanged
                found.array = ~found.array
            axes = "YXS"
        else:
            for one in filter(None, series.pages) if page.compression in _DEFLATED else ():
                _check_parts(file, one)
            array, axes, palette = series.asarray(maxworkers=1).reshape(tuple(shape.values())), "".join(shape), None
            if photometric == 3 and page.colormap is not None and array.ndim == 2:
                palette = (page.colormap.T >> 8).astype(np.uint8)
            found = Pixels(array, palette, page.tags.valueof(274, 1))
        found.white_is_zero, found.alpha = photometric == 0, not extra or extra[-1] in (1, 2)
        return found, axes


def _check_parts(file, page):
    """Refuse a TIFF whose packed parts hold more than the size in its header, before they are unpacked in full."""
    _check_size(int(np.prod(page.chunks)), 1, 0.25)  # four channels of the largest image, or one tile
    most = int(np.prod(page.chunks)) * page.dtype.itemsize + 1024
    for offset, count in zip(page.dataoffsets, page.databytecounts):
        file.filehandle.seek(offset)
        if len(zlib.decompressobj().decompress(file.filehandle.read(count), most + 1)) > most:
            raise Refused("holds more than its size says; it is damaged, or made to do damage: remove it.")


def _check_size(width, height, times=1):
    """Refuse what is too large to work with."""
    if (size := width * height * times / 2**20) > MOST_MEGAPIXELS:
        size = f"{height} x {width} pixels, {size:.0f} megapixels, at most {MOST_MEGAPIXELS}"
        raise Refused(f"is too large: {size}; cut it into parts.")


# ---- What the numbers mean -------------------------------------------------------------------------------------------


def _one_hot(array, axes):
    """The axis along which exactly one value is not 0, if that is meant: not the three colours of a picture."""
    for axis in [axes.find(name) for name in "CSQI" if name in axes] + [2]:
        there = array > 0
        if axes[axis] != "S" or array.shape[axis] != 3:
            if 2 <= array.shape[axis] <= 64 and (there.sum(axis) == 1).all() and (array[there] == array.max()).all():
                return axis
    return None


def _channel_axis(shape, axes):
    """The axis of 2 to 4 channels; a stack is refused."""
    axis = next((k for k, name in enumerate(axes) if name in "CS"), None)
    if axis is None and shape[2] <= 4:
        axis = 2  # pages of which each is a row of an image
    if axis is None:
        what = f"is a stack of {shape[0]} images along {_AXES.get(axes[0], 'its pages')}"
    elif shape[axis] > 4:
        what = f"has {shape[axis]} channels, of which 1 or 3 can be used"
    else:
        return axis
    raise Refused(f"{what}; save what is meant: one image a file, channels last, a one-hot mask as its argmax.")


def _grey(array):
    """Three equal channels, or one, as ``(H, W)``; all else as it is."""
    same = array.ndim == 3 and all((array[..., 0] == array[..., k]).all() for k in range(1, array.shape[-1]))
    return array[..., 0] if same else array


def _turned(found):
    """Turn an array as its orientation tag says."""
    array = found.array.swapaxes(0, 1) if found.turn in (5, 6, 7, 8) else found.array
    array = array[:, ::-1] if found.turn in (2, 3, 6, 7) else array
    found.array = np.ascontiguousarray(array[::-1] if found.turn in (3, 4, 7, 8) else array)
    return found
