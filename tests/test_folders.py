"""Folders: what goes out comes back, nothing is overwritten unasked, and each thing that is wrong is named."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage import measure

from utils import folders, shapes

SAMPLES = shapes.draw(7, size=32, level="hard")


@pytest.fixture
def folder(tmp_path):
    """An exported folder of three pictures."""
    return folders.export(SAMPLES[:3], tmp_path / "shapes")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels)).save(path, **options)


def test_the_round_trip_is_exact_and_a_viewer_shows_masks_black_and_white(tmp_path):
    for name, part in {"square": SAMPLES, "wide": shapes.Samples(*(a[:, :20] for a in vars(SAMPLES).values()))}.items():
        folder = folders.export(part, tmp_path / "new" / name)
        images, masks = folders.load(folder)
        assert images.dtype == np.float32 and images.tobytes() == part.images.tobytes()
        assert masks.dtype == np.uint8 and masks.tobytes() == part.masks.tobytes()
    assert sorted(contents(folder)) == [f"{part}/0000{k}.png" for part in ("images", "masks") for k in range(7)]
    between = dataclasses.replace(SAMPLES, images=np.maximum(SAMPLES.images - np.float32(0.4 / 255), 0))
    assert np.array_equal(folders.load(folders.export(between, tmp_path / "rounded"))[0], SAMPLES.images)
    assert np.array_equal(Image.open(folder / "masks" / "00001.png"), 255 * part.masks[1, ..., 0])


def test_nothing_is_overwritten_unasked(folder):
    before = contents(folder)
    with pytest.raises(FileExistsError, match="not empty.*overwrite=True"):
        folders.export(SAMPLES[5:7], folder)
    with pytest.raises(FileExistsError, match="00002.png, which would mix.*Nothing is ever removed"):
        folders.export(SAMPLES[:2], folder, overwrite=True)
    assert contents(folder) == before
    (folder / "images" / "notes.txt").write_text("keep")
    folders.export(SAMPLES[3:7], folder, overwrite=True)
    assert np.array_equal(folders.load(folder)[0], SAMPLES.images[3:7])
    assert (folder / "images" / "notes.txt").read_text() == "keep"


def test_what_cannot_be_exported_is_named_and_nothing_is_written(tmp_path):
    for images, words in ((SAMPLES.images * 255, "divide by 255"), (SAMPLES.images[..., :1], "1 channels; give 3")):
        with pytest.raises(ValueError, match=words):
            folders.export(dataclasses.replace(SAMPLES, images=images), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_masks_and_images_of_any_mode_are_read_by_their_colours(folder, mode):
    grey = np.where(SAMPLES.masks[0, ..., 0], 255, 0 if mode == "1" else 100).astype(np.uint8)
    for k, mask in enumerate(SAMPLES.masks[:3, ..., 0]):
        Image.fromarray(mask * np.uint8(255)).convert(mode).save(folder / "masks" / f"0000{k}.png")
    Image.fromarray(grey).convert(mode).save(folder / "images" / "00000.png")
    Image.open(folder / "images" / "00001.png").convert(mode).save(folder / "images" / "00001.png")
    images, masks = folders.load(folder, size=32)
    assert np.array_equal(images[1], SAMPLES.images[1]) == (mode in ("RGB", "RGBA"))
    assert np.array_equal(masks, SAMPLES.masks[:3]) and images.shape == (3, 32, 32, 3)
    assert np.array_equal(np.rint(255 * images[0]), np.repeat(grey[..., None], 3, axis=-1))


def test_masks_of_0_and_1_of_one_value_and_of_any_palette_are_read(folder):
    path = folder / "masks" / "00001.png"
    for value, expected in ((0, 0), (1, 1), (255, 1)):
        save(path, np.full((32, 32), value, np.uint8))
        assert (folders.load(folder)[1][1] == expected).all()
    save(path, SAMPLES.masks[1, ..., 0])
    (folder / "images" / ".hidden.png").write_text("not a picture")
    (folder / "masks" / "README.txt").write_text("about")
    assert np.array_equal(folders.load(folder)[1], SAMPLES.masks[:3])
    mask = Image.frombytes("P", (32, 32), (1 - SAMPLES.masks[1, ..., 0]).tobytes())
    mask.putpalette([200, 30, 30, 0, 0, 0])  # entry 0 is red: the shape; entry 1 is black: background
    mask.save(path)
    assert np.array_equal(folders.load(folder)[1], SAMPLES.masks[:3])


def labels_of(side=64, count=5):
    """Squares in a row that touch, numbered 3, 6, 9, ..."""
    labels = np.zeros((side, side), np.uint8)
    for k in range(count):
        labels[10:20, 10 * k : 10 * k + 10] = 3 * (k + 1)
    return labels


def write(folder, image, labels, name="a", ending=".png"):
    for part, array in (("images", image), ("masks", labels)):
        (folder / part).mkdir(exist_ok=True, parents=True)
        if array is not None:
            save(folder / part / f"{name}{ending}", array)
    return folder


def grey(side=64, dtype=np.uint8, top=255):
    return (np.random.default_rng(0).random((side, side)) * top).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "ending", "top"),
    [(np.uint8, ".png", 255), (np.uint16, ".png", 65535), (np.uint16, ".tif", 65535), (np.uint8, ".tiff", 255)],
)
def test_pictures_and_maps_of_8_and_16_bits_and_in_colour(tmp_path, dtype, ending, top):
    image, labels = grey(dtype=dtype, top=top), labels_of().astype(dtype) * (top // 255)
    colours = np.stack([grey(), grey() // 2, 0 * grey()], axis=-1)
    write(tmp_path, colours, np.stack([labels_of() > 0, labels_of() // 6, labels_of() % 2], -1).astype(np.uint8), "b")
    pair, coloured = folders.load_labels(write(tmp_path, image, labels, ending=ending))
    assert pair.name == "a" and np.allclose(pair.image, image / top, atol=1e-6) and pair.image.dtype == np.float32
    assert np.allclose(coloured.image, colours.mean(axis=-1) / 255, atol=1e-6) and not coloured.binary
    assert np.array_equal(pair.labels, labels_of() // 3) and pair.labels.dtype == np.int32
    assert np.array_equal(coloured.labels, labels_of() // 3)


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_numbered_by_its_parts(tmp_path, capsys, value):
    mask = (labels_of() == 3).astype(np.uint8)
    mask[20:25, 10:15] = 1  # meets the other square at a corner
    [pair] = folders.load_labels(write(tmp_path, grey(), mask * value))
    assert pair.binary and np.array_equal(pair.labels, measure.label(mask, connectivity=1)) and pair.labels.max() == 2
    assert folders.report(tmp_path) and "… all masks have two values: objects that touch" in capsys.readouterr().out


def test_the_report_counts_and_doubts(tmp_path, capsys):
    swapped, broken = np.full((80, 80), 7, np.uint8), labels_of()
    swapped[:2], swapped[40:], broken[50:60, 50:60] = 0, 8, 3
    write(tmp_path, grey(80), swapped, "swapped")
    write(tmp_path, grey(dtype=np.float32, top=3), 0 * labels_of(), "empty", ".tif")
    assert folders.report(write(tmp_path, grey(), broken, "broken"))
    assert capsys.readouterr().out.splitlines() == [
        "✓ 3 pairs that can be read, 64 x 64, 80 x 80 pixels, 7 objects",
        "… broken: 1 objects are in several pieces. Does one number stand for two objects?",
        "… empty: no object. That is right if there is none in the picture.",
        "… swapped: 98% of the pixels are objects. Are background and objects swapped?",
    ]
    assert folders.load_labels(tmp_path)[1].image.max() == 1, "floats are stretched"


FRAMES = [Image.fromarray(grey()) for _ in range(3)]
BROKEN = {
    "no masks folder": (lambda f: shutil.rmtree(f / "masks"), "no folder masks/"),
    "no pictures": (lambda f: [p.unlink() for p in f.rglob("*.png")], "holds no pictures that can be read"),
    "no mask": (lambda f: (f / "masks" / "a.png").unlink(), "without a mask of the same name: a."),
    "no picture": (lambda f: (f / "images" / "a.png").unlink(), "without a picture of the same name: a."),
    "two of one name": (lambda f: save(f / "images" / "a.tif", grey()), "two files called a"),
    "a JPEG": (lambda f: save(f / "masks" / "b.jpg", grey()), "masks/b.jpg is none of .*JPEG changes the numbers"),
    "a JPEG called PNG": (lambda f: save(f / "masks" / "a.png", grey(), format="JPEG"), "masks/a.png cannot be read"),
    "cut short": (lambda f: (f / "images" / "a.png").write_bytes((f / "images" / "a.png").read_bytes()[:200]),
                  "images/a.png cannot be read"),
    "a stack": (lambda f: FRAMES[0].save(f / "images" / "c.tif", save_all=True, append_images=FRAMES[1:])
                or save(f / "masks" / "c.png", labels_of()), "holds 3 pictures"),
    "sizes differ": (lambda f: save(f / "masks" / "a.png", labels_of(80)), "picture is 64 x 64, its mask 80 x 80.*nearest"),
    "NaN": (lambda f: write(f, np.full((64, 64), np.nan, np.float32), labels_of(), "c", ".tif"), "c.tif holds .* NaN"),
    "a picture as a mask": (lambda f: save(f / "masks" / "a.png", grey()), "a picture, or was interpolated"),
    "no background": (lambda f: save(f / "masks" / "a.png", labels_of() % 2 + 1), "has no background"),
}  # fmt: skip
WRONG_LABELS = {
    "too small": (grey(50), labels_of(50), "50 x 50 is too small; 64 pixels"),
    "one value": (0 * grey(), labels_of(), "all pixels of the picture have one value"),
    "nothing": (grey(), 0 * labels_of(), "nothing to learn"),
    "interpolated": (grey(96), np.asarray(Image.fromarray(labels_of(32, 3)).resize((96, 96), 3)), "interpolated"),
    "fractions": (grey(), labels_of() + np.float32(0.5), "fractions"),
    "negative": (grey(), labels_of() - np.float32(1), "its smallest number is -1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_named_with_the_file_and_what_to_do(tmp_path, capsys, case):
    damage, words = BROKEN[case]
    write(tmp_path, grey(), labels_of() // 3 % 2)
    folders.load(tmp_path), folders.load_labels(tmp_path)
    damage(tmp_path)
    for read in (folders.load, folders.load_labels):
        with pytest.raises(ValueError, match=rf"cannot be used yet:\n[^~]*{words}"):
            read(tmp_path)
    assert not folders.report(tmp_path) and "✗ " in capsys.readouterr().out


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_label_maps_that_cannot_be_used(tmp_path, case):
    image, labels, words = WRONG_LABELS[case]
    with pytest.raises(ValueError, match=words):
        folders.load_labels(write(tmp_path, image, labels, ending=".tif"))


def test_all_that_is_wrong_is_said_at_once_and_long_lists_are_cut(tmp_path):
    folder = folders.export(SAMPLES, tmp_path / "many")
    shutil.rmtree(folder / "masks")
    save(folder / "images" / "a.bmp", grey())
    with pytest.raises(ValueError, match=r"(?s)images/a.bmp is none of.*no folder masks/.*00004 and 2 more"):
        folders.load(folder)


def test_pictures_of_another_size_are_named(folder):
    with pytest.raises(ValueError, match="00001 is 32 x 32 pixels, not 64 x 64"):
        folders.load(folder, size=64)
    write(folder, grey(), labels_of() // 3 % 2, "b")
    with pytest.raises(ValueError, match="b is 64 x 64 pixels, not 32 x 32"):
        folders.load(folder)


def test_the_picture_is_what_its_card_and_its_attribution_say():
    image, labels = folders.nuclei()
    card, text = folders.nuclei_card(), (folders.NUCLEI / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert image.shape == labels.shape == tuple(card["size"]) == (512, 512)
    assert image.dtype == np.float32 and labels.dtype == np.int32 and 0 <= image.min() < image.max() <= 1
    assert "125 nuclei" in text and f"{(labels > 0).mean():.1%}".replace("%", " %") in text
    raw = np.asarray(Image.open(folders.NUCLEI / "labels.png"))
    assert len(np.unique(raw)) == card["nuclei"] + 1 == 126 and "licence" in card
    assert all(np.array_equal(labels == number, raw == old) for number, old in enumerate(np.unique(raw)))
    parts = [folders.quadrant(labels, name) for name in folders.QUADRANTS]
    assert np.array_equal(np.block([parts[:2], parts[2:]]), labels)
    assert folders.quadrant(np.zeros((4, 6, 3)), "lower left").shape == (2, 3, 3)


@pytest.mark.parametrize("name", ["image.png", "labels.png"])
def test_a_changed_or_missing_file_is_named(tmp_path, monkeypatch, name):
    copy = shutil.copytree(folders.NUCLEI, tmp_path / "nuclei")
    monkeypatch.setattr(folders, "NUCLEI", copy)
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    with pytest.raises(ValueError, match=f"{name} is damaged or another file"):
        folders.nuclei()
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        folders.nuclei()
