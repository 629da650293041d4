"""Masks for a folder of images: right for networks whose answer is known, named as the images, and never over a file."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from utils import planning, predict, project

RNG = np.random.default_rng(0)


def plan(kind="mask", channels=1, classes=1, **more):
    """A plan by hand; with one pooling, tiles are cut as for a network."""
    return planning.Plan(
        kind, ["background", "object", "other"][: max(2, classes)], channels, classes, scale=1.0, window=32, depth=1, base=4,
        loss="ce", batch=1, flips="none", steps=1, epochs=1, ranges={"uint8": [0, 255]}, **more,
    )  # fmt: skip


def pixelwise(kernel, bias, activation):
    """A network that looks at one pixel at a time: its answer can be written down."""
    kernel = np.asarray(kernel, np.float32)
    head = keras.layers.Conv2D(kernel.shape[1], 1, activation=activation)
    model = keras.Sequential([keras.Input((None, None, kernel.shape[0])), head])
    head.set_weights([kernel[None, None], np.asarray(bias, np.float32)])
    return model


BRIGHT = {"kernel": [[99]], "bias": [-49.5], "activation": "sigmoid"}
"""Object where brighter than half."""


@pytest.fixture
def saved(tmp_path):
    """The network ``bright.keras`` with its plan, and a folder of images of several formats and sizes."""
    pixelwise(**BRIGHT).save(tmp_path / "bright.keras")
    plan().save(tmp_path / "bright.json")
    images = {"a.png": (40, 50), "b.jpg": (33, 7), "c.tif": (600, 530), "not an image.txt": None, ".hidden.png": (8, 8)}
    (tmp_path / "images").mkdir()
    for name, size in images.items():
        if size:
            coarse = Image.fromarray(np.uint8(RNG.random((3, 3)) * 255))
            coarse.resize(size[::-1], 3).save(tmp_path / "images" / name, **({"quality": 95} if "jpg" in name else {}))
        else:
            (tmp_path / "images" / name).write_text("words")
    return tmp_path


def arrays(folder):
    return {
        path.name: np.array(Image.open(path)) for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".tif")
    }


def run(saved, *words):
    return predict.main([str(saved / word) for word in words])


def test_masks_are_right_and_keep_their_names(saved, capsys):
    assert run(saved, "bright.keras", "images", "out") == 0
    found, images = arrays(saved / "out"), arrays(saved / "images")
    assert sorted(found) == ["a.png", "b.png", "c.png"]
    for name, image in (("a.png", "a.png"), ("b.png", "b.jpg"), ("c.png", "c.tif")):
        assert found[name].dtype == np.uint8 and 0.05 < (found[name] > 0).mean() < 0.95
        assert np.array_equal(found[name], 255 * (images[image] > 127))
    assert capsys.readouterr().out == "✓ 3 of 3 images predicted\n"


def test_nothing_that_exists_is_changed(saved, capsys):
    (saved / "out").mkdir()
    (saved / "out" / "a.png").write_bytes(b"mine")
    os.symlink(saved / "elsewhere.png", saved / "out" / "b.png")
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    run(saved, "bright.keras", "images", "out")
    assert {path: path.read_bytes() for path in before} == before
    assert not (saved / "elsewhere.png").exists()
    assert {path for path in saved.rglob("*") if path.is_file()} - set(before) == {saved / "out" / "c.png"}
    said = capsys.readouterr().out
    assert "2 of 3 masks are there already" in said and "1 of 1 images" in said


def test_a_file_that_appears_meanwhile_stays(saved):
    target = saved / "mine.png"
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        predict._predict(pixelwise(**BRIGHT), plan(), saved / "images" / "a.png", target)
    assert target.read_bytes() == b"mine"


def test_two_images_of_one_stem_get_two_masks(saved):
    Image.fromarray(np.full((9, 9), 255, np.uint8)).save(saved / "images" / "a.bmp")
    run(saved, "bright.keras", "images", "out")
    found = arrays(saved / "out")
    assert sorted(found) == ["a.bmp.png", "a.png.png", "b.png", "c.png"]
    assert (found["a.bmp.png"] == 255).all()


def test_classes_are_numbers(tmp_path):
    model = pixelwise(20 * np.eye(3), [0, 0, 0], "softmax")
    (tmp_path / "images").mkdir()
    image = RNG.integers(0, 256, (30, 41, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "images" / "a.png")
    predict.predict_folder(model, plan("classes", 3, 3), tmp_path / "images", tmp_path / "out")
    found = arrays(tmp_path / "out")["a.png"]
    assert found.dtype == np.uint8 and np.array_equal(found, image.argmax(-1))


def test_objects_are_numbers_of_16_bits(tmp_path):
    model = pixelwise([[-99, 99, 0]], [49.5, -49.5, -999], "softmax")
    image = np.zeros((20 * 20, 20 * 15), np.uint8)
    image.reshape(20, 20, 15, 20)[:, 5:15, :, 5:15] = 200  # 300 squares: more than 8 bits can number
    (tmp_path / "images").mkdir()
    Image.fromarray(image).save(tmp_path / "images" / "a.png")
    predict.predict_folder(model, plan("objects", 1, 3, markers="parts"), tmp_path / "images", tmp_path / "out")
    found = arrays(tmp_path / "out")["a.png"]
    assert found.dtype == np.uint16 and found.max() == 300 and len(np.unique(found)) == 301
    assert np.array_equal(found > 0, image > 0)


def test_colours_grey_and_16_bits_are_said(saved, capsys):
    colour, deep = np.zeros((10, 12, 3), np.uint8), np.zeros((10, 12), np.uint16)
    colour[:, 6:], deep[:, 6:] = (255, 255, 0), 60000
    colour[:, :6] = (255, 0, 0)
    for name, array in (("colour", colour), ("deep", deep)):
        Image.fromarray(array).save(saved / "images" / f"{name}.png")
    run(saved, "bright.keras", "images", "out")
    found = arrays(saved / "out")
    for name in ("colour.png", "deep.png"):
        assert (found[name][:, 6:] == 255).all() and (found[name][:, :6] == 0).all()
    said = capsys.readouterr().out
    assert "… 1 in colour, averaged to grey" in said and "… 1 of type uint16" in said


def test_files_that_cannot_be_read_are_named(saved, capsys):
    (saved / "images" / "empty.png").touch()
    (saved / "images" / "page.png").write_text("<!doctype html><html>")
    (saved / "images" / "cut.png").write_bytes((saved / "images" / "a.png").read_bytes()[:200])
    assert run(saved, "bright.keras", "images", "out") == 1
    said = capsys.readouterr().out
    assert sorted(arrays(saved / "out")) == ["a.png", "b.png", "c.png"]
    assert "✗ empty.png is empty" in said and "✗ page.png is a web page" in said and "✗ cut.png" in said
    assert "3 of 6 images" in said


def test_links_out_of_the_folder_are_not_followed(saved):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(saved / "secret.png")
    os.symlink(saved / "secret.png", saved / "images" / "link.png")
    run(saved, "bright.keras", "images", "out")
    assert "link.png" not in arrays(saved / "out")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("none.keras", "images", "out"), "there is: alone.keras, bright.keras"),
        (("images", "images", "out"), "is no .keras file"),
        (("bright.keras", "none", "out"), "no folder"),
        (("bright.keras", "empty", "out"), "no images"),
        (("bright.keras", "images", "images"), "OUT is the folder of the images"),
        (("bright.keras", "images", "bright.json"), "File exists"),
        (("alone.keras", "images", "out"), "alone.keras has no plan beside it"),
        (("damaged.keras", "images", "out"), "is damaged"),
        (("other.keras", "images", "out"), "do not belong together"),
    ],
)
def test_refusals_say_why(saved, words, expected, capsys):
    (saved / "empty").mkdir()
    for name in ("alone", "damaged", "other"):
        (saved / f"{name}.keras").write_bytes((saved / "bright.keras").read_bytes())
        if name != "alone":
            plan(channels=3 if name == "other" else 1).save(saved / f"{name}.json")
    (saved / "damaged.keras").write_bytes(b"PK\3\4 no more")
    assert run(saved, *words) == 1
    said = capsys.readouterr().out
    assert said.startswith("✗ ") and expected in said
    assert not (saved / "out").exists()


def test_as_a_command(saved):
    done = subprocess.run(
        [sys.executable, "-m", "utils.predict", saved / "bright.keras", saved / "images", saved / "out"],
        cwd=project.ROOT, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "✓ 3 of 3 images predicted\n", "")
    assert len(arrays(saved / "out")) == 3
