"""Several answers for one image: each way gives the right ones, and the scores are what they say."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from scripts import studies_uncertainty
from tests.test_plots import check
from utils import checks, metrics, plots, shapes, uncertainty, unet, weights

RNG = np.random.default_rng(0)


def network(dropout=0.0):
    keras.utils.set_random_seed(0)
    return unet.build_unet((16, 16, 3), depth=1, base=2, dropout=dropout)


IMAGES = RNG.random((3, 16, 16, 3), np.float32)


def test_an_ensemble_gives_every_networks_answer():
    models = [network(), unet.build_unet((16, 16, 3), depth=1, base=2)]
    found = uncertainty.ensemble(models, IMAGES)
    assert found.shape == (2, 3, 16, 16, 1)
    for one, model in zip(found, models):
        np.testing.assert_allclose(one, model.predict(IMAGES, verbose=0), atol=1e-6)


def test_dropout_on_drops_at_every_prediction_and_leaves_the_normalisation_and_the_network_alone():
    model = network(dropout=0.5)
    before = [array.copy() for array in model.get_weights()]
    dropping = uncertainty.dropout_on(model)
    first, second = uncertainty.ensemble([dropping, dropping], IMAGES)
    assert np.abs(first - second).max() > 1e-4, "two answers differ"
    assert np.array_equal(*uncertainty.ensemble([model, model], IMAGES)), "the network itself does not drop"
    assert all(map(np.array_equal, model.get_weights(), before))
    still = uncertainty.dropout_on(network(dropout=0.0))
    np.testing.assert_allclose(still.predict(IMAGES, verbose=0), network().predict(IMAGES, verbose=0), atol=1e-6)
    averages = [variable.numpy() for variable in dropping.variables if "moving" in variable.path]
    assert averages and all(np.all(array == array.flat[0]) for array in averages), "no average has moved"


def test_turned_and_mirrored_answers_are_turned_back():
    """A network that only looks at single pixels answers the same in every position."""
    inputs = keras.Input((16, 16, 3))
    pixelwise = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs))
    found = uncertainty.turns_and_flips(pixelwise, IMAGES)
    assert found.shape == (8, 3, 16, 16, 1)
    np.testing.assert_allclose(found, np.stack([found[0]] * 8), atol=1e-6)
    spread = uncertainty.turns_and_flips(network(), IMAGES)
    assert len({one.tobytes() for one in spread}) == 8, "eight different positions"


def test_entropy_is_in_bits_and_certain_pixels_have_none():
    assert uncertainty.entropy([0, 1, 0.5]).tolist() == [0, 0, 1]
    assert uncertainty.entropy(0.25) == pytest.approx(0.811278, abs=1e-6)
    assert uncertainty.entropy(IMAGES[:1].astype(np.float32)).shape == (1, 16, 16, 3)


def test_disagreement_is_none_if_all_say_the_same_and_all_of_it_if_they_are_certain_and_divided():
    assert uncertainty.disagreement([[0.5, 0.9], [0.5, 0.9]]) == pytest.approx([0, 0], abs=1e-9)
    assert uncertainty.disagreement([[0.0, 1.0], [1.0, 1.0]]).tolist() == [1, 0]
    assert uncertainty.disagreement(RNG.random((4, 50))).min() >= 0


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    wrong, unsure = RNG.random(60) < 0.3, RNG.integers(0, 9, 60)
    pairs = unsure[wrong][:, None] - unsure[~wrong][None]
    assert uncertainty.auroc(wrong, unsure) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert uncertainty.auroc([True, False, False], [0.9, 0.1, 0.2]) == 1
    assert uncertainty.auroc([True, False], [0.5, 0.5]) == 0.5
    assert uncertainty.auroc(wrong.reshape(6, 10), unsure.reshape(6, 10)) == uncertainty.auroc(wrong, unsure)


def test_errors_left_leaves_the_least_sure_pixels_out():
    wrong, unsure = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], bool), np.array([9, 8, 1, 0, 0, 0, 0, 0, 0, 0])
    found = [uncertainty.errors_left(wrong, unsure, share) for share in (0, 0.1, 0.2, 0.3)]
    assert found == pytest.approx([2 / 10, 1 / 9, 1 / 8, 0])


# ---- The study and its networks ----------------------------------------------------------------------------------------


def test_a_study_scores_the_mean_answer():
    truth = (RNG.random((2, 8, 8, 1)) < 0.5).astype(np.uint8)
    found = np.clip(truth + RNG.normal(0, 0.4, (3, *truth.shape)), 0.01, 0.99)
    scores = studies_uncertainty.score(truth, found)
    wrong = truth != metrics.to_mask(found.mean(axis=0))
    assert scores["error"] == wrong.mean() and scores["errors left"] <= scores["error"]
    sure = np.abs(found.mean(axis=0) - 0.5) > 0.45
    assert scores["sure and wrong"] == pytest.approx((wrong & sure).sum() / wrong.sum())
    assert "AUROC of disagreement" in scores and "AUROC of disagreement" not in studies_uncertainty.score(
        truth, found[:1]
    )


def test_each_way_asks_as_often_as_it_says():
    models = [network(dropout=0.3) for _ in range(3)]
    found = {way: studies_uncertainty.answers(way, models, IMAGES) for way in studies_uncertainty.WAYS}
    assert [len(one) for one in found.values()] == [1, 8, 8, 3]
    again = studies_uncertainty.answers("dropout", models, IMAGES)
    np.testing.assert_allclose(found["dropout"], again, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_ensembles_networks_are_and_score_what_their_cards_say(seed):
    card = weights.card(f"unet_ensemble_{seed}")
    model = weights.load_shipped(f"unet_ensemble_{seed}")
    assert card["network"] == studies_uncertainty.RECIPE.network and model.count_params() == card["parameters"]
    test = shapes.draw(card["test"]["images"], split="test", seed=card["test"]["seed"])
    found = metrics.silhouette_scores(test, model.predict(test.images, verbose=0))
    assert found == pytest.approx({name: card["test"][name] for name in found}, abs=0.002) and found["iou"] > 0.9


# ---- The exercise ------------------------------------------------------------------------------------------------------


def bits(p):
    return uncertainty.entropy(p)


def naive(answers):
    """Right where no probability is 0 or 1."""
    with np.errstate(all="ignore"):
        return -np.sum(
            [q.mean(axis=0) * np.log2(q.mean(axis=0)) - (q * np.log2(q)).mean(axis=0) for q in (answers, 1 - answers)],
            axis=0,
        )


DISAGREEMENTS = [
    (uncertainty.disagreement, "Right."),
    (lambda p: None, "Waiting"),
    (lambda p: 1 / 0, "stopped with ZeroDivisionError"),
    (lambda p: bits(p).mean(axis=0) - bits(p.mean(axis=0)), "sign is wrong"),
    (lambda p: uncertainty.disagreement(p) * np.log(2), "nats"),
    (lambda p: bits(p.mean(axis=0)), "all of it"),
    (lambda p: bits(p).mean(axis=0), "mean of the entropies"),
    (lambda p: p.var(axis=0), "variance"),
    (lambda p: uncertainty.disagreement(p).mean(), "one value for each pixel"),
    (lambda p: bits(p.mean(axis=0)) - bits(p).sum(axis=0), "sum of the entropies"),
    (lambda p: bits(p.mean(axis=0)) - bits(p), "first axis"),
    (naive, "NaN"),
    (lambda p: uncertainty.disagreement(p) + 0.1, "values are wrong"),
]


@pytest.mark.parametrize(("answer", "words"), DISAGREEMENTS)
def test_what_is_said_about_disagreement(capsys, answer, words):
    checks.disagreement(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


# ---- The figure --------------------------------------------------------------------------------------------------------


def test_doubts_show_errors_and_entropy_of_the_mean_answer():
    mask = np.zeros((8, 8, 1), np.uint8)
    mask[2:5, 2:5] = 1
    certain, divided = np.stack([mask, mask]) * 1.0, np.stack([mask * 1.0, mask * 0.0])
    answers = {"certain": certain, "divided": divided}
    entropy = uncertainty.entropy(divided.mean(axis=0))
    words = ["certain: wrong 0.00 of", "divided: wrong 0.14 of the pixels, entropy 1.00 bits there, 0.00 elsewhere"]
    panels = {0: IMAGES[0, :8, :8], 3: mask, 4: np.zeros((8, 8)), 5: entropy}
    axes, alt = check(plots.doubts, IMAGES[0, :8, :8], mask, answers, panels=panels, words=words)
    assert [axis.get_title() for axis in axes[:4]] == ["image", "certain", "divided", "truth"] and "nan" not in alt
    plt.close("all")
