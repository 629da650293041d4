"""One file: what its numbers mean, whatever it is saved as, and what is refused before it is unpacked."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from utils import files

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 250, (12, 20)).astype(np.uint8)
COLOUR = RNG.integers(0, 255, (12, 20, 3)).astype(np.uint8)
MASK = (GREY > 120).astype(np.uint8)


def first(array):
    return np.moveaxis(array, -1, 0)


TIFFS = {
    "strips": (COLOUR, {"photometric": "rgb"}),
    "tiles": (np.tile(COLOUR, (3, 2, 1)), {"photometric": "rgb", "tile": (16, 16)}),
    "BigTIFF": (COLOUR, {"photometric": "rgb", "bigtiff": True}),
    "OME": (COLOUR, {"photometric": "rgb", "ome": True}),
    "ImageJ": (COLOUR, {"photometric": "rgb", "imagej": True}),
    "planes": (first(COLOUR), {"photometric": "rgb", "planarconfig": "separate"}),
    "channels first": (first(COLOUR), {"photometric": "minisblack", "metadata": {"axes": "CYX"}}),
    "packed": (COLOUR, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
    "length 1": (GREY[None, None], {"metadata": {"axes": "TZYX"}}),
    "big endian": (GREY.astype(np.uint16) * 16, {"byteorder": ">"}),
}


@pytest.mark.parametrize("case", TIFFS)
def test_tiffs_of_all_sorts_are_rows_columns_and_channels(tmp_path, case):
    array, options = TIFFS[case]
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    found = files.read_image(tmp_path / "a.tif").array
    wanted = np.squeeze(first(first(array)) if array.shape[0] == 3 else array)
    assert np.array_equal(found, wanted) and found.dtype == array.dtype and found.dtype.isnative


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
def test_masks_of_any_number_type(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", MASK.astype(dtype))
    found = files.read_mask(tmp_path / "a.tif").array
    assert np.array_equal(found, MASK) and found.dtype.kind in "ui"
    negative = MASK.astype(np.int16) - 1
    tifffile.imwrite(tmp_path / "a.tif", negative)
    assert np.array_equal(files.read_mask(tmp_path / "a.tif").array, negative)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "group4"])
def test_tiffs_packed_by_other_programs(tmp_path, compression):
    array = MASK > 0 if compression == "group4" else GREY
    Image.fromarray(array).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(files.read_image(tmp_path / "a.tif").array, array)
    assert np.array_equal(files.read_mask(tmp_path / "a.tif").array, array)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_white_is_zero_turns_an_image_and_leaves_a_mask(tmp_path, compression):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    if compression:
        Image.fromarray(255 - GREY).save(tmp_path / "a.tif", compression=compression, tiffinfo={262: 0})
    assert np.array_equal(files.read_image(tmp_path / "a.tif").array, 255 - GREY)
    found = files.read_mask(tmp_path / "a.tif")
    assert np.array_equal(found.array, GREY) and "as written" in found.notes[0]


@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_tag_turns(tmp_path, turn, ending):
    picture = Image.fromarray(np.full_like(COLOUR, 9) if ending == "jpg" else COLOUR)
    tag = picture.getexif()
    tag[274] = turn
    picture.save(tmp_path / f"a.{ending}", **({"tiffinfo": {274: turn}} if ending == "tif" else {"exif": tag}))
    with Image.open(tmp_path / f"a.{ending}") as saved:
        wanted = np.asarray(ImageOps.exif_transpose(saved))
    found = files.read_image(tmp_path / f"a.{ending}")
    assert found.turn == turn and found.array.shape[:2] == wanted.shape[:2]
    assert ending == "jpg" or np.array_equal(found.array, wanted)
    assert files.read_image(tmp_path / f"a.{ending}", upright=False).array.shape[:2] == (12, 20)


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.tif", "a.bmp"])
def test_a_palette_is_colours_in_an_image_and_places_in_a_mask(tmp_path, name):
    picture, colours = Image.fromarray(MASK), [[0, 0, 0], [200, 30, 10]]
    picture.putpalette(sum(colours, []))
    picture.save(tmp_path / name)
    mask = files.read_mask(tmp_path / name)
    assert np.array_equal(mask.array, MASK) and mask.palette[:2].tolist() == colours
    assert np.array_equal(files.read_image(tmp_path / name).array, np.array(colours)[MASK])


def test_transparency_is_dropped_or_is_the_mask_itself(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.dstack([COLOUR, np.full_like(GREY, 255)])).save(path)
    assert np.array_equal(files.read_image(path).array, COLOUR) and not files.read_image(path).notes
    Image.fromarray(np.dstack([COLOUR, 255 * MASK])).save(path)
    found = files.read_image(path)
    assert np.array_equal(found.array, COLOUR * MASK[..., None]) and "transparent" in found.notes[0]
    assert np.array_equal(files.read_mask(path).array, COLOUR * MASK[..., None])
    for mode in ("LA", "RGBA"):
        Image.fromarray(np.dstack([np.full_like(COLOUR, 77), 255 * MASK])).convert(mode).save(path)
        assert np.array_equal(files.read_mask(path).array, 255 * MASK)


def test_a_png_of_16_bits_loses_nothing_grey_or_colour(tmp_path):
    deep, path = RNG.integers(0, 65535, (5, 7, 3)).astype(np.uint16), tmp_path / "a.png"
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    parts = (b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    chunks = (struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in parts)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    found = files.read_image(path)
    assert np.array_equal(found.array, deep) and found.array.dtype == np.uint16 and not found.notes
    Image.fromarray(deep[..., 0]).save(path)
    assert np.array_equal(files.read_mask(path).array, deep[..., 0]) and not files.read_mask(path).notes


def test_three_equal_channels_are_grey(tmp_path):
    Image.fromarray(np.dstack([GREY] * 3)).save(tmp_path / "a.png")
    assert np.array_equal(files.read_image(tmp_path / "a.png").array, GREY)


def test_an_ending_that_lies_is_read_as_what_it_is_and_said(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", format="TIFF")
    found = files.read_image(tmp_path / "a.png")
    assert np.array_equal(found.array, GREY) and found.notes == ["is TIFF although its name ends in .png; read as TIFF"]
    Image.fromarray(GREY).save(tmp_path / "b.png", format="JPEG")
    assert files.read_image(tmp_path / "b.png").array.shape == GREY.shape
    with pytest.raises(ValueError, match="is a JPEG, which changes the numbers"):
        files.read_mask(tmp_path / "b.png")


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("axis", [0, 2])
def test_a_one_hot_mask_is_its_argmax(tmp_path, name, classes, axis):
    wanted = np.tile(GREY, (6, 5)) % classes
    hot = np.moveaxis(np.eye(classes, dtype=np.uint8)[wanted], -1, axis)
    np.save(tmp_path / name, hot) if name == "a.npy" else tifffile.imwrite(
        tmp_path / name, 255 * hot, photometric="minisblack"
    )
    found = files.read_mask(tmp_path / name)
    assert np.array_equal(found.array, wanted) and f"one-hot, {classes} channels" in found.notes[0]


def test_arrays_are_read(tmp_path):
    for array in (GREY, COLOUR, GREY[..., None], GREY / 3):
        np.save(tmp_path / "a.npy", array)
        assert np.array_equal(files.read_image(tmp_path / "a.npy").array, np.squeeze(array))
    np.save(tmp_path / "a.npy", np.zeros((3, 40, 50)))
    with pytest.raises(ValueError, match="stack of 3 images"):
        files.read_image(tmp_path / "a.npy")


def bomb(path):
    """A TIFF of 16 x 16 pixels by its header, and 64 MB of zeros when it is unpacked."""
    tifffile.imwrite(path, np.zeros((8192, 8192), np.uint8), compression="zlib", rowsperstrip=8192, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[name].overwrite(16)


def tile_bomb(path):
    """A TIFF of 16 x 16 pixels in a tile of 10 gigapixels."""
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression="zlib", tile=(16, 16), metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("TileWidth", "TileLength"):
            file.pages[0].tags[name].overwrite(100_000 - 100_000 % 16)


def late_bomb(path):
    """Two pages of 16 x 16 pixels by their headers, of which the second is the bomb."""
    with tifffile.TiffWriter(path) as file:
        for side in (16, 8192):
            array = np.zeros((side, side), np.uint8)
            file.write(array, compression="zlib", rowsperstrip=side, metadata=None, contiguous=False)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages[1].aspage().tags[name].overwrite(16)


def cut(path):
    Image.fromarray(RNG.integers(0, 255, (90, 90)).astype(np.uint8)).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:900])


def cut_tiff(path):
    tifffile.imwrite(path, np.zeros((90, 90), np.uint8))
    path.write_bytes(path.read_bytes()[:900])


def wide(path):
    Image.new("1", (9000, 9000)).save(path, format="PNG")


REFUSED = {
    "nothing": (lambda p: p.write_bytes(b""), "is empty"),
    "a web page": (lambda p: p.write_text("<!DOCTYPE html><html>gone"), r"a web page \(HTML\)"),
    "text": (lambda p: p.write_text("about these images"), "is text"),
    "a pointer": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
    "a pickle": (lambda p: np.save(p.open("wb"), np.array([{}], object), allow_pickle=True), "cannot be read as numbers"),
    "cut short": (cut, "damaged or cut short"),
    "a TIFF cut short": (cut_tiff, "damaged or cut short"),
    "77 megapixels": (wide, "9000 x 9000 pixels, 77 megapixels, at most 64.*cut it into parts"),
    "196 megapixels": (lambda p: Image.new("1", (14000, 14000)).save(p, format="PNG"), "too large"),
    "a large TIFF": (lambda p: tifffile.imwrite(p, shape=(9000, 9000), dtype="u1", compression=None), "77 megapixels"),
    "a bomb": (bomb, "holds more than its size says"),
    "a bomb in a tile": (tile_bomb, "too large"),
    "NaN": (lambda p: tifffile.imwrite(p, np.full((3, 4), np.nan, "f4")), "12 values that are NaN"),
    "depth": (lambda p: tifffile.imwrite(p, np.zeros((5, 40, 50), "u1"), imagej=True, metadata={"axes": "ZYX"}),
              "stack of 5 images along depth Z"),
    "time": (lambda p: tifffile.imwrite(p, np.zeros((4, 40, 50), "u1"), ome=True, metadata={"axes": "TYX"}), "4 .* time T"),
    "pages": (lambda p: tifffile.imwrite(p, np.zeros((7, 40, 50), "u1")), "stack of 7 images along its pages"),
    "frames": (lambda p: Image.fromarray(GREY).save(p, format="GIF", save_all=True, append_images=[Image.fromarray(MASK)]),
               "holds several images, a stack"),
    "one-hot": (lambda p: tifffile.imwrite(p, np.zeros((40, 50, 6), "u1")), "argmax"),
    "channels": (lambda p: tifffile.imwrite(p, np.zeros((6, 40, 50), "u1"), metadata={"axes": "CYX"}), "has 6 channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_one_image_is_refused_in_words(tmp_path, case):
    make, words = REFUSED[case]
    make(tmp_path / "a.png")
    for read in (files.read_image, files.read_mask):
        with pytest.raises(ValueError, match=words):
            read(tmp_path / "a.png")


def test_a_bomb_in_a_later_page_is_refused_too(tmp_path):
    late_bomb(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="holds more than its size says"):
        files.read_mask(tmp_path / "a.tif")


def test_a_mask_of_fractions_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", MASK * np.float32(0.5))
    with pytest.raises(ValueError, match="fractions"):
        files.read_mask(tmp_path / "a.tif")


def test_an_ome_file_that_names_another_file_does_not_lead_there(tmp_path):
    tifffile.imwrite(tmp_path / "secret.tif", np.full((12, 20), 99, np.uint8), compression="zlib", metadata=None)
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"><Image ID="Image:0"><Pixels '
        'ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="20" SizeY="12" SizeC="1" SizeZ="1" SizeT="1"><TiffData '
        'IFD="0"><UUID FileName="secret.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", MASK, compression="zlib", description=text, metadata=None)
    assert (tifffile.imread(tmp_path / "a.ome.tif") == 99).all(), "without care it leads there"
    try:
        assert 99 not in files.read_image(tmp_path / "a.ome.tif").array
    except ValueError as error:
        assert "damaged" in str(error)
