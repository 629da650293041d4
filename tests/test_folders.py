"""PNG folders: what goes out comes back, nothing is overwritten unasked, and every broken folder is named."""

import numpy as np
import pytest
from PIL import Image

from utils import folders, shapes


@pytest.fixture(scope="module")
def samples():
    return shapes.draw(12, size=32, level="hard")


@pytest.fixture
def folder(samples, tmp_path):
    """An exported folder of three pictures."""
    return folders.export(samples[:3], tmp_path / "shapes")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- Out and back ------------------------------------------------------------------------------------------------------


def test_the_round_trip_is_exact(samples, tmp_path):
    images, masks = folders.load(folders.export(samples, tmp_path / "a" / "b"))
    assert images.dtype == np.float32 and masks.dtype == np.uint8
    assert images.tobytes() == samples.images.tobytes() and masks.tobytes() == samples.masks.tobytes()


def test_the_files_are_named_by_number_and_a_viewer_shows_black_and_white(folder, samples):
    assert sorted(contents(folder)) == [f"{part}/0000{k}.png" for part in ("images", "masks") for k in range(3)]
    with Image.open(folder / "masks" / "00001.png") as mask, Image.open(folder / "images" / "00001.png") as image:
        assert mask.mode == "L" and image.mode == "RGB"
        assert np.array_equal(np.asarray(mask), 255 * samples.masks[1, ..., 0])
        assert np.array_equal(np.asarray(image), np.rint(255 * samples.images[1]))


def test_pictures_that_are_not_square_come_back(tmp_path, samples):
    part = shapes.Samples(*(getattr(samples, f)[:, :20] for f in ("images", "masks", "classes", "instances", "styles")))
    images, masks = folders.load(folders.export(part, tmp_path / "wide"))
    assert np.array_equal(images, part.images) and np.array_equal(masks, part.masks)


def test_values_between_two_steps_are_rounded_to_the_nearer_one(tmp_path, samples):
    images = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    part = shapes.Samples(images, samples.masks[:2], *[None] * 3)
    back, _ = folders.load(folders.export(part, tmp_path / "fine"))
    assert np.abs(back - images).max() <= 0.5 / 255 + 1e-6


# ---- Nothing is overwritten unasked ------------------------------------------------------------------------------------


def test_an_export_leaves_a_folder_alone_that_holds_anything(samples, folder, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    for taken in (folder, tmp_path / "notes"):
        before = contents(taken)
        with pytest.raises(FileExistsError, match="not empty.*overwrite=True"):
            folders.export(samples[5:7], taken)
        assert contents(taken) == before


def test_an_empty_folder_is_written_into(samples, tmp_path):
    assert len(folders.load(folders.export(samples[:2], tmp_path))[0]) == 2


def test_overwriting_replaces_its_own_names_and_touches_nothing_else(samples, folder):
    (folder / "notes.txt").write_text("keep")
    (folder / "images" / "notes.txt").write_text("keep too")
    folders.export(samples[4:8], folder, overwrite=True)
    images, _ = folders.load(folder)
    assert np.array_equal(images, samples.images[4:8])
    assert (folder / "notes.txt").read_text() == "keep"
    assert (folder / "images" / "notes.txt").read_text() == "keep too"


def test_overwriting_never_mixes_with_older_pictures_and_never_removes_them(samples, folder):
    before = contents(folder)
    with pytest.raises(FileExistsError, match="00002.png.*mixed.*Nothing is ever removed"):
        folders.export(samples[:2], folder, overwrite=True)
    assert contents(folder) == before


def test_a_file_in_the_way_is_named(samples, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        folders.export(samples, tmp_path / "file", overwrite=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i, m: (i * 255, m), "they need floats from 0 to 1"),
        (lambda i, m: ((i * 255).astype(np.uint8), m), "uint8"),
        (lambda i, m: (np.where(i > 0.5, np.nan, i), m), "nan"),
        (lambda i, m: (i, m * 255), "from 0 to 255; only 0 and 1"),
        (lambda i, m: (i, m[..., 0]), r"\(2, 32, 32\); they need"),
        (lambda i, m: (i, m[:1]), "same N"),
        (lambda i, m: (i[:0], m[:0]), "N of at least 1"),
    ],
)
def test_what_cannot_be_exported_is_named_and_nothing_is_written(samples, tmp_path, change, words):
    images, masks = change(samples.images[:2], samples.masks[:2])
    bad = shapes.Samples(images, masks, *[None] * 3)
    with pytest.raises(ValueError, match=words):
        folders.export(bad, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# ---- Other people's PNG files ------------------------------------------------------------------------------------------


def test_masks_of_any_mode_are_read_by_their_colours(folder, samples):
    expected = samples.masks[:3]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        for k, mask in enumerate(expected[..., 0]):
            Image.fromarray(mask * np.uint8(255)).convert(mode).save(folder / "masks" / f"0000{k}.png")
        assert np.array_equal(folders.load(folder)[1], expected), mode


def test_a_palette_may_hold_any_colour_in_any_order(folder, samples):
    for k, mask in enumerate(samples.masks[:3, ..., 0]):
        picture = Image.fromarray(1 - mask, mode=None).convert("L")
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette([200, 30, 30, 0, 0, 0])  # entry 0 is red: the shape; entry 1 is black: ground
        picture.save(folder / "masks" / f"0000{k}.png")
    assert np.array_equal(folders.load(folder)[1], samples.masks[:3])


def test_masks_of_0_and_1_and_masks_of_one_value_are_read(folder):
    for value, expected in ((0, 0), (1, 1), (255, 1)):
        Image.fromarray(np.full((32, 32), value, np.uint8)).save(folder / "masks" / "00001.png")
        assert (folders.load(folder)[1][1] == expected).all()
    mask = np.eye(32, dtype=np.uint8)
    Image.fromarray(mask).save(folder / "masks" / "00001.png")
    assert np.array_equal(folders.load(folder)[1][1, ..., 0], mask)


def test_images_of_other_modes_become_three_channels(folder, samples):
    grey = np.rint(255 * samples.images[0, ..., 0]).astype(np.uint8)
    for mode in ("L", "LA", "RGBA"):
        Image.fromarray(grey).convert(mode).save(folder / "images" / "00000.png")
        images, _ = folders.load(folder)
        assert images.shape == (3, 32, 32, 3)
        assert np.array_equal(np.rint(255 * images[0]), np.repeat(grey[..., None], 3, axis=-1)), mode


def test_other_files_beside_the_pictures_are_ignored(folder, samples):
    (folder / "images" / ".hidden.png").write_text("not a picture")
    (folder / "masks" / "README.txt").write_text("about")
    assert np.array_equal(folders.load(folder, size=32)[0], samples.images[:3])


# ---- Broken folders ----------------------------------------------------------------------------------------------------


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels)).save(path, **options)


def write(path, content):
    path.write_bytes(content)


GREYS = np.linspace(0, 255, 32, dtype=np.uint8)[None].repeat(32, axis=0)
BROKEN = {
    "no masks folder": (lambda f: [p.unlink() for p in (f / "masks").iterdir()] and (f / "masks").rmdir(),
                        FileNotFoundError, ["masks is not a folder", "images/ and masks/"]),
    "no pictures at all": (lambda f: [p.unlink() for p in f.rglob("*.png")], FileNotFoundError, ["no PNG files"]),
    "a mask is missing": (lambda f: (f / "masks" / "00001.png").unlink(), ValueError, ["without a mask: 00001.png"]),
    "an image is missing": (lambda f: (f / "images" / "00002.png").unlink(),
                            ValueError, ["without a picture: 00002.png", "same name"]),
    "names differ": (lambda f: (f / "masks" / "00000.png").rename(f / "masks" / "first.png"),
                     ValueError, ["without a mask: 00000.png", "without a picture: first.png"]),
    "image and mask differ in size": (lambda f: save(f / "masks" / "00001.png", np.zeros((16, 32), np.uint8)),
                                      ValueError, ["masks/00001.png is 16 x 32", "32 x 32", "nearest"]),
    "images differ in size": (lambda f: save(f / "images" / "00002.png", np.zeros((64, 64, 3), np.uint8)),
                              ValueError, ["images/00002.png is 64 x 64", "like 00000.png"]),
    "not a PNG": (lambda f: write(f / "images" / "00001.png", b"hello"), ValueError, ["00001.png cannot be read"]),
    "a PNG cut short": (lambda f: write(f / "images" / "00001.png", (f / "images" / "00001.png").read_bytes()[:900]),
                        ValueError, ["00001.png cannot be read"]),
    "a JPEG called PNG": (lambda f: save(f / "masks" / "00001.png", np.zeros((32, 32), np.uint8), format="JPEG"),
                          ValueError, ["00001.png cannot be read"]),
    "mixed formats": (lambda f: save(f / "images" / "cat.jpg", np.zeros((32, 32, 3), np.uint8)),
                      ValueError, ["not PNG: cat.jpg"]),
    "an interpolated mask": (lambda f: save(f / "masks" / "00000.png", GREYS),
                             ValueError, ["00000.png holds 32 different", "interpolated", "nearest"]),
    "a picture as a mask": (lambda f: write(f / "masks" / "00000.png", (f / "images" / "00000.png").read_bytes()),
                            ValueError, ["different colours", "a mask holds two"]),
    "no black in a mask": (lambda f: save(f / "masks" / "00000.png", np.where(np.eye(32), 9, 200).astype(np.uint8)),
                           ValueError, ["[9, 9, 9]", "ground is black"]),
    "a mask of one grey": (lambda f: save(f / "masks" / "00000.png", np.full((32, 32), 7, np.uint8)),
                           ValueError, ["[[7, 7, 7]]", "ground is black"]),
    "16 bits": (lambda f: save(f / "images" / "00000.png", np.full((32, 32), 7000, np.uint16)),
                ValueError, ["mode 'I;16'", "8 bits"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_named_with_the_file_and_what_to_do(folder, case):
    damage, error, words = BROKEN[case]
    folders.load(folder)
    damage(folder)
    with pytest.raises(error) as caught:
        folders.load(folder)
    for word in words:
        assert word in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        folders.load(tmp_path / "nowhere")


def test_another_size_than_asked_is_named(folder):
    with pytest.raises(ValueError, match="32 x 32 pixels, not 64 x 64 as size=64 asks"):
        folders.load(folder, size=64)


def test_a_long_list_of_unpaired_names_is_cut(samples, tmp_path):
    folder = folders.export(samples, tmp_path / "many")
    for path in (folder / "masks").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="00004.png and 7 more"):
        folders.load(folder)
