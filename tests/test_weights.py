"""Shipped networks score what their cards say; a file that does not fit changes nothing; layers are copied by name."""

import json
import shutil

import keras
import numpy as np
import pytest

from scripts import studies_nuclei, studies_paper
from utils import folders, metrics, pipeline, project, shapes, training, unet, weights

NETWORKS = {
    "unet_shapes": training.DEEP.network,
    "unet_classes": training.DEEP.network | {"classes": 4},
    "unet_nuclei": training.DEEP.network | {"classes": 3},
    "unet_touching": studies_paper.TOUCHING.network,
    "unet_touching_plain": studies_paper.TOUCHING.network,
}


def small(base=2, classes=1):
    keras.utils.set_random_seed(0)
    return unet.build_unet((16, 16, 3), depth=1, base=base, classes=classes)


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


# ---- The networks that come with the series ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_the_card_describes_the_network(name):
    card = weights.card(name)
    assert weights.load_shipped(name).count_params() == card["parameters"] and card["network"] == NETWORKS[name]
    assert (project.DATA / card["file"]).stat().st_size < 2_200_000 and "/" not in json.dumps(card)


def test_the_shapes_network_scores_what_its_card_says():
    card = weights.card()["test"]
    test = shapes.draw(card["images"], split="test", seed=card["seed"])
    found = metrics.silhouette_scores(test, weights.load_shipped().predict(test.images, verbose=0))
    assert found == pytest.approx({name: card[name] for name in found}, abs=0.002)
    assert found["iou"] >= 0.95 and found["outlined"] >= 0.95


def test_the_class_network_scores_what_its_card_says():
    card = weights.card("unet_classes")["test"]
    assert weights.card("unet_classes")["classes"] == list(shapes.THREE_NAMES)
    test = shapes.draw_classes(card["images"], split="test", seed=card["seed"])
    predicted = weights.load_shipped("unet_classes").predict(test.images, verbose=0).argmax(axis=-1)
    each = metrics.class_iou(test.classes, predicted, 4)[1:]
    assert each == pytest.approx([card[f"IoU {name}"] for name in shapes.THREE_KINDS], abs=0.002)
    assert metrics.mean_iou(test.classes, predicted, 4) == pytest.approx(card["mean IoU"], abs=0.002)
    assert card["mean IoU"] > 0.85


def test_the_nuclei_network_scores_what_its_card_says():
    card = weights.card("unet_nuclei")["test"]
    image, labels = folders.nuclei()
    pair = (folders.quadrant(part, card["quadrant"]) for part in (pipeline.stretch(image), labels))
    found = studies_nuclei.score(weights.load_shipped("unet_nuclei"), *pair)
    assert found == pytest.approx({name: card[name] for name in found}, abs=0.01)


def test_the_networks_for_touching_discs_score_what_their_cards_say_and_the_weight_map_shows():
    with_map, plain = (weights.card(name)["test"] for name in ("unet_touching", "unet_touching_plain"))
    test = shapes.draw_touching(plain["images"], split="test", seed=plain["seed"])
    for name, card in {"unet_touching": with_map, "unet_touching_plain": plain}.items():
        found = studies_paper.score_touching(weights.load_shipped(name), test)
        assert found == pytest.approx({score: card[score] for score in found}, abs=0.01)
    assert with_map["matched"] > plain["matched"] + 0.3 and with_map["under_segmented"] < plain["under_segmented"] - 0.3


# ---- Files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path):
    """A copy of the smallest shipped files that a test may damage."""
    for ending in (".weights.h5", ".json"):
        shutil.copy(project.DATA / f"unet_touching{ending}", tmp_path)
    return tmp_path


@pytest.mark.parametrize("damage", [None, "other network", "no HDF5", "cut off"])
def test_weights_load_or_leave_the_network_as_it_was(tmp_path, damage):
    path = tmp_path / "m.weights.h5"
    model, saved = small(), small(classes=2 if damage == "other network" else 1)  # all layers fit but the last
    for number, network in enumerate((model, saved), 1):
        network.compile(optimizer="adam", loss="binary_crossentropy")
        network.optimizer.build(network.trainable_variables)
        for variable in (*network.variables, *network.optimizer.variables):
            variable.assign(variable + number)
    variables = [*model.variables, *model.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    saved.save_weights(path)
    if damage is None:
        weights.load_weights(model, str(path))
        assert same(model.get_weights(), saved.get_weights())
        return
    if damage != "other network":
        path.write_bytes(b"no HDF5" if damage == "no HDF5" else path.read_bytes()[:-3000])
    with pytest.raises(ValueError, match="m.weights.h5 does not fit this network or is damaged.*Keras said: ") as error:
        weights.load_weights(model, path)
    assert same(before, [variable.numpy() for variable in variables])
    assert str(error.value).endswith(str(error.value.__cause__)), "the reason in full"


def test_damaged_shipped_files_are_refused(shipped):
    path = shipped / "unet_touching.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or another file .SHA-256.*make weights"):
        weights.load_shipped("unet_touching", shipped)
    (shipped / "unet_touching.json").write_text("{")
    with pytest.raises(ValueError, match="unet_touching.json is damaged"):
        weights.load_shipped("unet_touching", shipped)


def test_missing_files_are_named_with_those_there_are(shipped):
    with pytest.raises(FileNotFoundError, match="no other.weights.h5 .*there is: unet_touching.weights.h5"):
        weights.load_shipped("other", shipped)
    with pytest.raises(FileNotFoundError, match="no mine.weights.h5 .*there is: unet_touching.weights.h5"):
        weights.load_weights(small(), shipped / "mine.weights.h5")


def test_copied_layers_are_the_same_and_the_head_is_new():
    source, target = small(), small(classes=4)
    source.set_weights([array + 1 for array in source.get_weights()])
    head = target.get_layer("head").get_weights()
    assert weights.copy_layers(source, target) == ["head"] and same(head, target.get_layer("head").get_weights())
    for layer in target.layers[:-1]:
        assert same(layer.get_weights(), source.get_layer(layer.name).get_weights())
    assert weights.copy_layers(small(base=4), target) == [layer.name for layer in target.layers if layer.weights]
    assert weights.copy_layers(source, keras.Sequential([keras.Input((3,)), keras.layers.ReLU(name="head")])) == []
