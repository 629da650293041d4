"""Folders of one's own: what is right is read as it is, and each thing that is wrong is named."""

import numpy as np
import pytest
from PIL import Image

from utils import instances, label_folders


def labels_of(side=64, count=5):
    """Squares in a row that touch, numbered 3, 6, 9, ..."""
    labels = np.zeros((side, side), np.uint8)
    for k in range(count):
        labels[10:20, 10 * k : 10 * k + 10] = 3 * (k + 1)
    return labels


def write(folder, image, labels, name="a", ending=".png", map_ending=None):
    for part, array, end in (("images", image, ending), ("masks", labels, map_ending or ending)):
        (folder / part).mkdir(exist_ok=True, parents=True)
        if array is not None:
            Image.fromarray(array).save(folder / part / f"{name}{end}")
    return folder


def grey(side=64, dtype=np.uint8):
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 3.0}[dtype]
    return (np.random.default_rng(0).random((side, side)) * top).astype(dtype)


def complaints(folder, **options):
    return label_folders.examine(folder, **options)[1]


# ---- What is right -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "ending", "top"),
    [(np.uint8, ".png", 255), (np.uint16, ".png", 65535), (np.uint16, ".tif", 65535), (np.uint8, ".tiff", 255)],
)
def test_pictures_of_8_and_16_bits(tmp_path, dtype, ending, top):
    image = grey(dtype=dtype)
    [pair] = label_folders.load(write(tmp_path, image, labels_of(), ending=ending, map_ending=".png"))
    assert np.allclose(pair.image, image / top, atol=1e-6) and pair.image.dtype == np.float32
    assert np.array_equal(pair.labels, labels_of() // 3) and pair.labels.dtype == np.int32 and not pair.binary


def test_floats_are_stretched(tmp_path):
    image = grey(dtype=np.float32)
    [pair] = label_folders.load(write(tmp_path, image, labels_of().astype(np.float32), ending=".tif"))
    assert pair.image.min() == 0 and pair.image.max() == 1 and np.array_equal(pair.labels, labels_of() // 3)


def test_colours_are_averaged(tmp_path):
    image = np.stack([grey(), grey() // 2, 0 * grey()], axis=-1)
    [pair] = label_folders.load(write(tmp_path, image, labels_of()))
    assert np.allclose(pair.image, image.mean(axis=-1) / 255, atol=1e-6)


def test_colours_of_a_map_are_objects(tmp_path):
    labels = labels_of()
    colours = np.stack([labels, labels % 7 * (labels > 0), 0 * labels], axis=-1)
    [pair] = label_folders.load(write(tmp_path, grey(), colours))
    assert len(instances.match(labels.astype(int), pair.labels, 0.99).pairs) == 5 and pair.labels.max() == 5


def test_a_palette_counts_by_its_colours(tmp_path):
    picture = Image.fromarray(labels_of()).convert("L")
    picture = picture.convert("P")
    write(tmp_path, grey(), None)
    picture.save(tmp_path / "masks" / "a.png")
    assert label_folders.load(tmp_path)[0].labels.max() == 5


def test_sixteen_bit_maps_keep_their_numbers(tmp_path):
    labels = labels_of().astype(np.uint16) * 1000
    assert np.array_equal(label_folders.load(write(tmp_path, grey(), labels))[0].labels, labels_of() // 3)


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_numbered_by_its_parts(tmp_path, value):
    mask = ((labels_of() == 3) | (labels_of() == 9)).astype(np.uint8) * value
    pairs, wrong, doubtful = label_folders.examine(write(tmp_path, grey(), mask))
    assert pairs[0].binary and pairs[0].labels.max() == 2 and not wrong
    assert any("touch count as one" in line for line in doubtful)


def test_pairs_come_in_the_order_of_their_names_and_may_differ_in_size(tmp_path):
    for name, side in (("b", 64), ("a", 80)):
        write(tmp_path, grey(side), labels_of(side), name)
    (tmp_path / "images" / ".hidden").write_text("x")
    pairs = label_folders.load(tmp_path)
    assert [(pair.name, pair.image.shape[0]) for pair in pairs] == [("a", 80), ("b", 64)]


# ---- What is wrong -----------------------------------------------------------------------------------------------------


def test_folders_that_are_missing(tmp_path):
    assert len(complaints(tmp_path)) == 2
    (tmp_path / "images").mkdir()
    assert "no folder masks/" in complaints(tmp_path)[0]
    (tmp_path / "masks").mkdir()
    assert "no pictures" in complaints(tmp_path)[0]


def test_files_that_do_not_pair(tmp_path):
    write(tmp_path, grey(), labels_of())
    write(tmp_path, grey(), None, "b")
    write(tmp_path, None, labels_of(), "c")
    found = " ".join(complaints(tmp_path))
    assert "without a label map of the same name: b." in found and "without a picture of the same name: c." in found


def test_two_files_of_one_name(tmp_path):
    write(tmp_path, grey(), labels_of())
    write(tmp_path, grey(), None, ending=".tif")
    assert "two files called a" in complaints(tmp_path)[0]


def test_jpeg_is_refused(tmp_path):
    write(tmp_path, grey(), labels_of())
    Image.fromarray(labels_of()).save(tmp_path / "masks" / "b.jpg")
    assert "JPEG changes the numbers" in complaints(tmp_path)[0]


def test_a_damaged_file(tmp_path):
    write(tmp_path, grey(), labels_of())
    path = tmp_path / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:200])
    assert "a.png cannot be read" in complaints(tmp_path)[0]


def test_a_stack_is_refused(tmp_path):
    write(tmp_path, None, labels_of())
    frames = [Image.fromarray(grey()) for _ in range(3)]
    frames[0].save(tmp_path / "images" / "a.tif", save_all=True, append_images=frames[1:])
    assert "holds 3 pictures" in complaints(tmp_path)[0]


@pytest.mark.parametrize(
    ("image", "labels", "words"),
    [
        (grey(), labels_of(80), "the picture is 64 x 64, its map 80 x 80"),
        (grey(50), labels_of(50), "too small; 64 pixels"),
        (0 * grey(), labels_of(), "all pixels of the picture have one value"),
        (grey(), labels_of() + 1, "no ground, its smallest number is 1"),
        (grey(), grey(), "interpolated or saved as JPEG"),
        (grey(), 0 * labels_of(), "nothing to learn"),
    ],
)
def test_pairs_that_cannot_be_used(tmp_path, image, labels, words):
    write(tmp_path, image, labels)
    assert any(words in line for line in complaints(tmp_path))
    with pytest.raises(ValueError, match="cannot be used yet"):
        label_folders.load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "words"),
    [(labels_of() + np.float32(0.5), "fractions"), (labels_of() - np.float32(1), "holds -1")],
)
def test_numbers_of_a_map_that_cannot_be(tmp_path, labels, words):
    assert words in complaints(write(tmp_path, grey(), labels, ending=".tif"))[0]


def test_a_picture_with_nan(tmp_path):
    image = grey(dtype=np.float32)
    image[3, 3] = np.nan
    assert "NaN" in complaints(write(tmp_path, image, labels_of().astype(np.float32), ending=".tif"))[0]


# ---- What is doubtful --------------------------------------------------------------------------------------------------


def test_doubts(tmp_path):
    empty, swapped, broken = 0 * labels_of(), np.full((64, 64), 7, np.uint8), labels_of()
    swapped[:2], swapped[40:] = 0, 8
    broken[50:60, 50:60] = 3
    for name, labels in (("empty", empty), ("swapped", swapped), ("broken", broken)):
        write(tmp_path, grey(), labels, name)
    pairs, wrong, doubtful = label_folders.examine(tmp_path)
    assert len(pairs) == 3 and not wrong
    found = " ".join(doubtful)
    assert (
        "empty: no object" in found and "swapped: 97%" in found and "broken: 1 objects are in several pieces" in found
    )


def test_the_report(tmp_path, capsys):
    write(tmp_path, grey(), labels_of())
    assert label_folders.report(tmp_path)
    assert capsys.readouterr().out == "✓ 1 pairs that can be read, 64 x 64 pixels, 5 objects\n"
    write(tmp_path, grey(), None, "b")
    assert not label_folders.report(tmp_path)
    assert "✗ without a label map" in capsys.readouterr().out


def test_an_interpolated_map_is_seen(tmp_path):
    labels = np.asarray(Image.fromarray(labels_of(32, 3)).resize((96, 96), Image.BICUBIC))
    assert "interpolated" in complaints(write(tmp_path, grey(96), labels))[0]
    nearest = np.asarray(Image.fromarray(labels_of(32, 3)).resize((96, 96), Image.NEAREST))
    assert not complaints(write(tmp_path, grey(96), nearest))
