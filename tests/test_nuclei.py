"""The real picture: what is in it, cut, stretched, cropped, and turned from probabilities into objects and scores."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import measure, segmentation

from utils import elastic, instances, nuclei

IMAGE, LABELS = nuclei.load()


# ---- The picture -------------------------------------------------------------------------------------------------------


def test_the_picture_is_what_its_card_and_its_attribution_say():
    card, text = nuclei.card(), (nuclei.FOLDER / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert IMAGE.shape == LABELS.shape == tuple(card["size"]) == (512, 512)
    assert IMAGE.dtype == np.float32 and LABELS.dtype == np.int32 and 0 <= IMAGE.min() < IMAGE.max() <= 1
    assert np.unique(LABELS).tolist() == list(range(card["nuclei"] + 1)) and "125 nuclei" in text
    assert f"{(LABELS > 0).mean():.1%}".replace("%", " %") in text
    assert measure.label(LABELS > 0, connectivity=2).max() == 102, "as ATTRIBUTION.md says; there corners connect"
    assert instances.label(LABELS > 0).max() == 106, "here they do not"


def test_numbers_are_those_of_the_file_without_gaps():
    with Image.open(nuclei.FOLDER / "labels.png") as picture:
        raw = np.asarray(picture)
    for number, old in enumerate(np.unique(raw)):
        assert np.array_equal(LABELS == number, raw == old)


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(nuclei.FOLDER, tmp_path / "nuclei")


@pytest.mark.parametrize("name", ["image.png", "labels.png"])
def test_a_changed_file_is_refused(copy, name):
    pixels = np.asarray(Image.open(copy / name)).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(copy / name)
    with pytest.raises(ValueError, match=f"{name} is damaged or another file"):
        nuclei.load(copy)


@pytest.mark.parametrize("name", ["image.png", "labels.png", "card.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        nuclei.load(copy)


def test_the_card_names_no_machine():
    text = json.dumps(nuclei.card())
    assert "/work" not in text and "/home" not in text and "licence" in nuclei.card()


def test_four_quadrants_make_the_picture():
    parts = [nuclei.quadrant(LABELS, name) for name in nuclei.QUADRANTS]
    assert np.array_equal(np.block([parts[:2], parts[2:]]), LABELS)
    assert nuclei.quadrant(np.zeros((4, 6, 3)), "lower left").shape == (2, 3, 3)
    with pytest.raises(ValueError, match="no quadrant 'middle'"):
        nuclei.quadrant(LABELS, "middle")
    with pytest.raises(ValueError, match="must be even"):
        nuclei.quadrant(np.zeros((5, 4)), "upper left")


def test_stretching():
    picture = nuclei.stretch(IMAGE)
    bottom, top = np.percentile(IMAGE.astype(float), [1, 99.5])
    for place in ((10, 20), (200, 300), (66, 470)):
        expected = np.sqrt(min(max((float(IMAGE[place]) - bottom) / (top - bottom), 0), 1))
        assert picture[place] == pytest.approx(expected, abs=1e-6)
    assert picture.dtype == np.float32 and picture.min() == 0 and picture.max() == 1
    assert np.allclose(nuclei.stretch(IMAGE * 40 + 7), picture, atol=1e-5), "brightness and contrast do not matter"
    assert not nuclei.stretch(np.full((4, 4), 3.0)).any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((4, 4, 3)),), "two axes"),
        ((np.array([[np.nan, 1]]),), "NaN"),
        ((np.zeros((4, 4)), 50, 50), "percentiles"),
    ],
)
def test_stretching_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        nuclei.stretch(*arguments)


# ---- Crops -------------------------------------------------------------------------------------------------------------


def test_bare_crops_are_windows_of_the_picture():
    images, labels = nuclei.crops([IMAGE], [LABELS], 5, size=32, seed=3, bend=0, zoom=1, light=0)
    windows = np.lib.stride_tricks.sliding_window_view(LABELS, (32, 32))
    for image, one in zip(images, labels):
        places = np.argwhere((windows == one).all(axis=(2, 3)))
        assert any(np.allclose(IMAGE[y : y + 32, x : x + 32], image[..., 0], atol=1e-6) for y, x in places)
        assert np.array_equal(image[..., 0], image[..., 2])


def test_crops_come_from_all_pictures_by_their_size():
    small, large = np.zeros((32, 32), np.float32), np.ones((96, 96), np.float32)
    images, _ = nuclei.crops(
        [small, large], [np.zeros_like(small, int), np.ones_like(large, int)], 400, size=16, light=0
    )
    assert 0.85 < images.mean(axis=(1, 2, 3)).mean() < 0.95


def test_the_same_seed_gives_the_same_crops():
    once, again, other = (nuclei.crops([IMAGE], [LABELS], 3, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again)) and not np.array_equal(once[0], other[0])
    images, labels = once
    assert images.shape == (3, 64, 64, 3) and labels.shape == (3, 64, 64)
    assert images.dtype == np.float32 and labels.dtype == np.int32 and 0 <= images.min() <= images.max() <= 1


def test_picture_and_labels_move_together():
    picture = (LABELS > 0).astype(np.float32)
    images, labels = nuclei.crops([picture], [LABELS], 20, light=0)
    assert ((images[..., 0] > 0.5) == (labels > 0)).mean() > 0.99
    assert not np.array_equal(labels[0] > 0, labels[1] > 0)


def test_a_turn_keeps_the_middle_and_zooms_within_its_limit():
    for seed in range(20):
        field = nuclei._turn(33, np.random.default_rng(seed), 1.5)
        assert np.allclose(field[:, 16, 16], 0)
        step = field[:, 16, 17] + (0, 1)  # where the neighbour to the right looks, seen from the middle
        assert 1 / 1.5 - 1e-6 <= np.hypot(*step) <= 1.5 + 1e-6


def test_zoom_and_bend_and_light_have_an_effect_of_their_own():
    bare = {"bend": 0, "zoom": 1, "light": 0}
    plain = nuclei.crops([IMAGE], [LABELS], 2, **bare)
    for change in ({"bend": 4}, {"zoom": 1.3}, {"light": 0.3}):
        images, labels = nuclei.crops([IMAGE], [LABELS], 2, **bare | change)
        assert not np.array_equal(images, plain[0])
        assert np.array_equal(labels, plain[1]) == ("light" in change)


def test_light_keeps_to_its_share():
    grey = np.full((64, 64), 0.5, np.float32)
    images, _ = nuclei.crops([grey], [np.zeros((64, 64), int)], 200, size=16, bend=0, zoom=1, light=0.2)
    assert 0.4 <= images.min() < 0.42 and 0.58 < images.max() <= 0.6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], [], 1), "0 pictures"),
        (([IMAGE], [], 1), "1 pictures and 0 label maps"),
        (([IMAGE], [LABELS[:9]], 1), "same .H, W."),
        (([IMAGE[:40]], [LABELS[:40]], 1), "do not fit"),
        (([IMAGE], [LABELS], 0), "count is 0"),
    ],
)
def test_crops_refuse(arguments, words):
    with pytest.raises(ValueError, match=words):
        nuclei.crops(*arguments)


def test_bent_crops_use_the_series_deformation():
    """With zoom 1 and no light a crop is a window of what `elastic.deform` makes of the padded window."""
    rng = np.random.default_rng(5)
    padded = np.pad(IMAGE, 16, mode="reflect"), np.pad(LABELS, 16, mode="reflect")
    rng.choice(1, p=[1.0])
    row, column = rng.integers(512 - 32 + 1), rng.integers(512 - 32 + 1)
    window = [array[row : row + 64, column : column + 64, None] for array in padded]
    image, labels = elastic.deform(*window, elastic.field((64, 64), rng, deviation=2.0))
    images, maps = nuclei.crops([IMAGE], [LABELS], 1, size=32, seed=5, zoom=1, light=0)
    assert np.allclose(images[0, ..., 0], image[16:-16, 16:-16, 0], atol=1e-6)
    assert np.array_equal(maps[0], labels[16:-16, 16:-16, 0])


# ---- Objects and scores ------------------------------------------------------------------------------------------------


def sure(labels):
    """The output of a network that is certain and right."""
    return np.eye(3)[instances.border_classes(labels)]


def test_a_perfect_output_gives_every_nucleus_back():
    truth = nuclei.without_small(nuclei.quadrant(LABELS, "lower left"), 60)
    found = nuclei.objects(sure(truth))
    scores = nuclei.score(truth, found)
    assert scores["iou"] > 0.99 and scores["ap50"] == 1 and found.max() == len(np.unique(truth)) - 1


def test_objects_against_a_direct_way():
    rng = np.random.default_rng(0)
    logits = ndimage.gaussian_filter(rng.normal(size=(80, 80, 3)), (3, 3, 0)) * 30
    output = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = nuclei.objects(output, smallest=10)
    inside = output[..., 1] > 0.5
    parts = measure.label(inside, connectivity=1)
    kept = [k for k in range(1, parts.max() + 1) if (parts == k).sum() >= 10]
    seeds = sum((parts == k) * n for n, k in enumerate(kept, 1))
    grown = output[..., 0] < 0.5
    distance = ndimage.distance_transform_edt(np.pad(grown, 1, mode="edge"))[1:-1, 1:-1]
    assert np.array_equal(found, segmentation.watershed(-distance, seeds, mask=grown))


def test_objects_refuse_another_shape():
    with pytest.raises(ValueError, match="ground, inside, border"):
        nuclei.objects(np.zeros((4, 4)))


def test_small_objects_go():
    labels = np.array([[1, 1, 1, 0, 7], [0, 0, 0, 0, 7], [5, 0, 0, 0, 0]])
    assert nuclei.without_small(labels, 2).tolist() == [[1, 1, 1, 0, 2], [0, 0, 0, 0, 2], [0] * 5]
    assert not nuclei.without_small(labels, 4).any() and nuclei.without_small(labels, 0).max() == 3
    assert not nuclei.without_small(np.zeros((3, 3), int), 5).any()


def test_scores_by_hand():
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0]])
    predicted = np.array([[4, 4, 4, 0, 0, 2, 2, 9]])
    scores = nuclei.score(truth, predicted)
    assert scores["iou"] == pytest.approx(5 / 7) and scores["dice"] == pytest.approx(10 / 12)
    assert scores["ap50"] == scores["ap70"] == pytest.approx(2 / 3) and scores["ap80"] == pytest.approx(1 / 4)
    assert scores["ap"] == pytest.approx((2 / 3 * 3 + 1 / 4 * 2) / 5)


def test_fates_the_worst_first():
    truth = np.repeat([[1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5]], 2, 0)
    predicted = np.repeat([[1, 1, 1, 1, 1, 1, 5, 5, 0, 6, 0, 0, 7, 7]], 2, 0)
    fates = nuclei.fates(truth, predicted)
    assert {number: word for number, (word, _) in fates.items()} == {
        1: "merged", 2: "merged", 3: "split", 4: "missed", 5: "found",
    }  # fmt: skip
    assert list(fates)[0] == 4 and list(fates)[-1] == 5 and fates[1][1] == pytest.approx(2 / 3, abs=1e-4)
    assert nuclei.fates(truth, 0 * truth)[1] == ("missed", 0.0)


def test_the_middle():
    labels = np.zeros((9, 9), int)
    labels[2:5, 3:8] = 4
    assert nuclei.middle(labels, 4) == (3, 5)
    with pytest.raises(ValueError, match="no object 7"):
        nuclei.middle(labels, 7)
