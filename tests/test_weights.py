"""Saved models and shipped weights: the same output again, and a clear word about every damage."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest

from utils import project, shapes, training, unet, weights


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = unet.build_unet((16, 16, 3), depth=1, base=2)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


@pytest.fixture
def shipped(tmp_path):
    """A copy of the shipped files that a test may damage."""
    for name in (f"{weights.SHIPPED}.weights.h5", f"{weights.SHIPPED}.json"):
        shutil.copy(project.DATA / name, tmp_path)
    return tmp_path


def test_a_saved_model_gives_the_same_output(model, tmp_path):
    loaded = weights.load(weights.save(model, tmp_path / "deep" / "m.keras"))
    images = shapes.draw(3, size=16).images
    assert np.array_equal(training.predict(loaded, images), training.predict(model, images))


def test_nothing_is_overwritten_unless_asked(model, tmp_path):
    path = tmp_path / "m.keras"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        weights.save(model, path)
    assert path.read_text() == "mine"
    weights.save(model, path, overwrite=True)
    assert zipfile.is_zipfile(path)


def test_a_save_that_fails_leaves_the_old_file_and_no_rubbish(model, tmp_path, monkeypatch):
    path = weights.save(model, tmp_path / "m.keras")
    before = path.read_bytes()

    def half(self, file, *args, **kwargs):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(OSError, match="disk full"):
        weights.save(model, path, overwrite=True)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_wrong_name_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="ends in .keras"):
        weights.save(model, tmp_path / "m.h5")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.keras"):
        weights.load(tmp_path / "none.keras")


@pytest.mark.parametrize("damage", ["cut", "text", "flipped", "foreign zip"])
def test_a_damaged_model_file_is_refused(model, tmp_path, damage):
    path = weights.save(model, tmp_path / "m.keras")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        path.write_text("hello")
    elif damage == "flipped":
        middle = len(content) // 2
        path.write_bytes(
            content[:middle] + bytes(255 - b for b in content[middle : middle + 64]) + content[middle + 64 :]
        )
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "hello")
    with pytest.raises(ValueError, match="m.keras.*save the model again"):
        weights.load(path)


def test_the_shipped_network_scores_what_its_card_says():
    card = weights.card()
    test = shapes.draw(card["test"]["images"], split="test", seed=card["test"]["seed"])
    scores = training.score(weights.load_shipped(), test)
    for name, value in scores.items():
        assert value == pytest.approx(card["test"][name], abs=0.002), name
    assert scores["iou"] >= 0.95 and scores["outlined"] >= 0.95


def test_the_card_describes_the_shipped_network():
    card = weights.card()
    assert weights.load_shipped().count_params() == card["parameters"]
    assert card["network"] == training.DEEP.network
    assert (project.DATA / card["file"]).stat().st_size < 4_000_000


def test_damaged_shipped_weights_are_refused(shipped):
    path = shipped / f"{weights.SHIPPED}.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="SHA-256.*make weights"):
        weights.load_shipped(folder=shipped)


def test_missing_shipped_weights_are_named(shipped):
    with pytest.raises(FileNotFoundError, match="'other'.*there is: unet_shapes"):
        weights.load_shipped("other", folder=shipped)
    (shipped / f"{weights.SHIPPED}.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="unet_shapes.weights.h5"):
        weights.load_shipped(folder=shipped)


def test_weights_of_another_network_are_refused(shipped, model):
    with pytest.raises(ValueError, match="does not fit this network"):
        weights.load_weights(model, shipped / f"{weights.SHIPPED}.weights.h5")
    foreign = json.loads((shipped / f"{weights.SHIPPED}.json").read_text())
    foreign["network"]["base"] = 4
    (shipped / f"{weights.SHIPPED}.json").write_text(json.dumps(foreign))
    with pytest.raises(ValueError, match="does not fit this network"):
        weights.load_shipped(folder=shipped)


def test_a_damaged_weight_file_is_refused(model, tmp_path):
    path = tmp_path / "m.weights.h5"
    path.write_bytes(b"not hdf5")
    with pytest.raises(ValueError, match="m.weights.h5 does not fit this network or is damaged"):
        weights.load_weights(model, path)
