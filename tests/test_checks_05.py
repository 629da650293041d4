"""The checks of notebook 05: an empty stub waits, a right answer passes, typical mistakes are named."""

import keras
import numpy as np
import pytest

from utils import checks, inspect_model, metrics, training


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def inside(p, low, high):
    return (p >= low) & (p < high)


def right_bin(t, p, low, high):
    return p[inside(p, low, high)].mean(), t[inside(p, low, high)].mean()


@pytest.mark.parametrize(
    "check", [checks.error_kinds, checks.calibration_bin, checks.ablation, checks.tiles, checks.worst_pictures]
)
def test_an_empty_stub_waits(capsys, check):
    assert said(capsys, check, lambda *args: None).startswith("…")


def test_a_half_filled_stub_waits(capsys):
    assert said(capsys, checks.error_kinds, lambda t, m: ((t == 1) & (m == 0), None)).startswith("…")


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, m: ((t == 1) & (m == 0), (t == 0) & (m == 1)),
        lambda t, m: (t > m, m > t),
        lambda t, m: [(t & (1 - m)), (m & (1 - t))],
    ],
)
def test_the_right_kinds_of_errors_pass(capsys, answer):
    assert said(capsys, checks.error_kinds, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, m: (m > t, t > m), "swapped"),
        (lambda t, m: (t != m, t != m), "all wrong pixels"),
        (lambda t, m: (t - m, m - t), "wraps round"),
        (lambda t, m: (t.astype(int) - m, m.astype(int) - t), "-1"),
        (lambda t, m: t != m, "two arrays"),
        (lambda t, m: ((t > m).sum(), (m > t).sum()), "one value a pixel"),
        (lambda t, m: (t == 1, m == 1), "no error"),
        (lambda t, m: (t * 0, m * 0), "count 0 missed"),
        (lambda t, m: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_kinds_of_errors_are_recognised(capsys, wrong, word):
    text = said(capsys, checks.error_kinds, wrong)
    assert text.startswith("✗") and word in text


@pytest.mark.parametrize("answer", [right_bin, lambda *a: np.array(right_bin(*a)), lambda *a: list(right_bin(*a))])
def test_the_right_bin_passes(capsys, answer):
    assert said(capsys, checks.calibration_bin, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, p, a, b: right_bin(t, p, a, b)[::-1], "swapped"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t[inside(p, a, b)].sum()), "how many"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t[inside(p, a, b)].sum() / t.size), "all pixels"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), inside(p, a, b).mean()), "fall into the bin"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), t.mean()), "among all pixels"),
        (lambda t, p, a, b: (p[inside(p, a, b)].mean(), ((p > 0.5) == t)[inside(p, a, b)].mean()), "gets right"),
        (lambda t, p, a, b: ((a + b) / 2, t[inside(p, a, b)].mean()), "middle"),
        (lambda t, p, a, b: (p[(p > a) & (p <= b)].mean(), t[(p > a) & (p <= b)].mean()), "limit"),
        (lambda t, p, a, b: 0.5, "two numbers"),
        (lambda t, p, a, b: (0.111, 0.222), "expected"),
    ],
)
def test_a_wrong_bin_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.calibration_bin, wrong)
    assert text.startswith("✗") and word in text


# ---- An ablation -------------------------------------------------------------------------------------------------------


def score(network, images, masks, judge=metrics.iou):
    return judge(masks, metrics.to_mask(training.predict(network, images)))


def silent(model, *levels):
    return inspect_model.without_skip(model, *levels)


def without_layer(model, name="bottleneck_conv2"):
    """A copy in which a layer puts out zeros."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for weight in copy.get_layer(name).weights:
        weight.assign(keras.ops.zeros_like(weight))
    return copy


def ablation(model, images, masks, judge=metrics.iou, cut=lambda model, level: silent(model, level)):
    whole = score(model, images, masks, judge)
    drops = {level: whole - score(cut(model, level), images, masks, judge) for level in (1, 2, 3, 4)}
    return whole, drops | {"bottleneck": whole - score(without_layer(model), images, masks, judge)}


def changed(change):
    """The right ablation, its result changed."""

    def answer(model, images, masks):
        whole, drops = ablation(model, images, masks)
        return change(whole, drops)

    return answer


def per_image(truth, mask):
    return metrics.iou(truth, mask, per_image=True).mean()


def on_the_network_itself(model, images, masks):
    result = ablation(model, images, masks)
    model.get_layer("dec1_conv1").kernel.assign(model.get_layer("dec1_conv1").kernel * 0)
    return result


def one_after_another(model, images, masks, order=(1, 2, 3, 4)):
    whole = score(model, images, masks)
    drops = {level: whole - score(silent(model, *order[: k + 1]), images, masks) for k, level in enumerate(order)}
    return whole, drops | {"all": whole}


def grey(model, images, masks):
    """The reader's own part is a colour of the image, not a layer."""
    whole, drops = ablation(model, images, masks)
    images = images.copy()
    images[..., 0] = images[..., 0].mean()
    return whole, {k: drops[k] for k in (1, 2, 3, 4)} | {"no red": whole - score(model, images, masks)}


def a_half_filled(model, images, masks):
    return score(model, images, masks), None


@pytest.mark.parametrize("answer", [ablation, grey, changed(lambda whole, drops: [np.float32(whole), drops])])
def test_the_right_ablation_passes(capsys, answer):
    assert said(capsys, checks.ablation, answer).startswith("✓")


def test_a_half_filled_ablation_waits(capsys):
    assert said(capsys, checks.ablation, a_half_filled).startswith("…")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda *a: ablation(*a)[1], "two things"),
        (changed(lambda whole, drops: (whole, list(drops.values()))), "is a list"),
        (lambda *a: ablation(*a, judge=per_image), "mean over the pictures"),
        (lambda *a: ablation(*a, judge=metrics.dice), "Dice"),
        (lambda *a: ablation(*a, judge=metrics.pixel_accuracy), "accuracy"),
        (changed(lambda whole, drops: (0.0, drops)), "return its IoU"),
        (changed(lambda whole, drops: (0.5, drops)), "you say 0.50"),
        (on_the_network_itself, "changes the network"),
        (changed(lambda whole, drops: (whole, {f"skip {k}": v for k, v in drops.items()})), "no key 1, 2, 3, 4"),
        (changed(lambda whole, drops: (whole, {k: whole - v for k, v in drops.items()})), "scores that are left"),
        (changed(lambda whole, drops: (whole, {k: -v for k, v in drops.items()})), "sign"),
        (changed(lambda whole, drops: (whole, {k: v / whole for k, v in drops.items()})), "shares"),
        (lambda *a: ablation(*a, cut=lambda model, level: model), "Does the changed network predict"),
        (lambda *a: ablation(*a, cut=lambda model, level: silent(model, 5 - level)), "wrong order"),
        (one_after_another, "on top of the one before"),
        (lambda *a: one_after_another(*a, order=(4, 3, 2, 1)), "on top of the one before"),
        (lambda *a: ablation(*a, cut=lambda model, level: silent(model, 2)), "For skip 1"),
        (changed(lambda whole, drops: (whole, {k: drops[k] for k in (1, 2, 3, 4)})), "of your own choice"),
        (changed(lambda whole, drops: (whole, drops | {"head": 2.0})), "cannot be"),
        (changed(lambda whole, drops: (whole, drops | {"head": 0.0})), "changes nothing"),
        (lambda model, images, masks: model.get_layer("no_such_layer"), "ValueError"),
    ],
)
def test_a_wrong_ablation_is_recognised(capsys, wrong, word):
    text = said(capsys, checks.ablation, wrong)
    assert text.startswith("✗") and word in text


def test_a_network_that_was_damaged_is_whole_again_for_the_next_answer(capsys):
    said(capsys, checks.ablation, on_the_network_itself)
    assert said(capsys, checks.ablation, ablation).startswith("✓")


# ---- Tiles -------------------------------------------------------------------------------------------------------------


def in_tiles(predict, picture, tile, halo, crop=lambda cut, halo: cut):
    """Tiles with a halo; ``crop`` says where in a window its tile begins."""
    height, width = picture.shape[:2]
    result = np.zeros((height, width, 1))
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = min(halo, top), min(halo, left)
            window = picture[top - above : top + tile + halo, left - before : left + tile + halo]
            row, column = crop(above, halo), crop(before, halo)
            part = predict(window)[row : row + tile, column : column + tile]
            result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


def padded(predict, picture, tile, halo, mode="reflect"):
    """Tiles of a picture that was padded first."""
    wide = np.pad(picture, ((halo, halo), (halo, halo), (0, 0)), mode=mode)
    inner = in_tiles(lambda window: window[..., :1], picture, tile, halo)
    for top in range(0, picture.shape[0], tile):
        for left in range(0, picture.shape[1], tile):
            window = wide[top : top + tile + 2 * halo, left : left + tile + 2 * halo]
            part = predict(window)[halo : halo + tile, halo : halo + tile]
            inner[top : top + tile, left : left + tile] = part
    return inner


def negative_begin(predict, picture, tile, halo):
    result = np.zeros((*picture.shape[:2], 1))
    for top in range(0, picture.shape[0], tile):
        for left in range(0, picture.shape[1], tile):
            window = picture[top - halo : top + tile + halo, left - halo : left + tile + halo]
            result[top : top + tile, left : left + tile] = predict(window)[halo : halo + tile, halo : halo + tile]
    return result


def halos_kept(predict, picture, tile, halo):
    rows = [
        np.concatenate([predict(picture[max(t - halo, 0) : t + tile + halo, max(s - halo, 0) : s + tile + halo])
                        for s in range(0, picture.shape[1], tile)][:1] * 6, axis=1)
        for t in (0, 0, 0)
    ]  # fmt: skip
    return np.concatenate(rows)


@pytest.mark.parametrize(
    "answer", [in_tiles, lambda predict, picture, tile, halo: list(in_tiles(predict, picture, tile, halo))]
)
def test_the_right_tiles_pass(capsys, answer):
    assert said(capsys, checks.tiles, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda p, x, t, h: in_tiles(p, x, t, 0), "do not see their neighbours"),
        (lambda p, x, t, h: in_tiles(p, x, t, h // 2), "half as far"),
        (lambda p, x, t, h: in_tiles(p, x, t, 3), "wrong near their borders"),
        (lambda p, x, t, h: in_tiles(p, x, t, h, crop=lambda cut, halo: halo), "border are shifted"),
        (lambda p, x, t, h: in_tiles(p, x, t, h, crop=lambda cut, halo: 0), "All tiles but the first"),
        (lambda p, x, t, h: padded(p, x, t, h), "Did you pad"),
        (lambda p, x, t, h: padded(p, x, t, h, mode="constant"), "Did you pad"),
        (negative_begin, "negative"),
        (halos_kept, "halo is still there"),
        (lambda p, x, t, h: p(x), "does not fit as a whole"),
        (lambda p, x, t, h: in_tiles(p, x, t, 2 * h), "Add it once"),
        (lambda p, x, t, h: in_tiles(p, x, t, h)[..., 0], "(36, 48)"),
        (lambda p, x, t, h: np.zeros((36, 48, 1)), "never calls predict"),
        (lambda p, x, t, h: in_tiles(lambda w: p(w)[::-1], x, t, h), "differ from the whole"),
        (lambda p, x, t, h: in_tiles(lambda w: p(w[None])[0], x, t, h), "(1, 16, 16, 3)"),
        (lambda p, x, t, h: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_tiles_are_recognised(capsys, wrong, word):
    text = said(capsys, checks.tiles, wrong)
    assert text.startswith("✗") and word in text


# ---- The worst pictures ------------------------------------------------------------------------------------------------


def ious(truth, mask):
    return metrics.iou(truth, mask, per_image=True)


def by_hand(truth, mask):
    """IoU per picture with 0 / 0 = 0, the mistake about empty pictures."""
    both, either = ((truth & mask).sum(axis=(1, 2, 3)), (truth | mask).sum(axis=(1, 2, 3)))
    return both / np.maximum(either, 1)


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, m, k: np.argsort(ious(t, m))[:k],
        lambda t, m, k: sorted(range(len(t)), key=lambda i: ious(t, m)[i])[:k],
        lambda t, m, k: np.argsort(-ious(t, m))[::-1][:k].tolist(),
    ],
)
def test_the_right_pictures_pass(capsys, answer):
    assert said(capsys, checks.worst_pictures, answer).startswith("✓")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda t, m, k: np.argsort(ious(t, m))[::-1][:k], "the best pictures"),
        (lambda t, m, k: np.argsort(ious(t, m))[-k:], "the best pictures"),
        (lambda t, m, k: np.argsort(ious(t, m))[:k][::-1], "wrong order"),
        (lambda t, m, k: np.sort(ious(t, m))[:k], "scores themselves"),
        (lambda t, m, k: np.argsort(ious(t, m))[:k] + 1, "one too high"),
        (lambda t, m, k: np.argsort(ious(t, m))[:3], "Asked for 5"),
        (lambda t, m, k: np.argsort(ious(t, m)), "Asked for 3"),
        (lambda t, m, k: ious(t, m) < 0.5, "true and false"),
        (lambda t, m, k: np.argsort([metrics.iou(t, m)]), "single number"),
        (lambda t, m, k: metrics.iou(t, m), "single number"),
        (lambda t, m, k: np.argsort(by_hand(t, m))[:k], "Picture 2"),
        (lambda t, m, k: np.argsort(-(t != m).sum(axis=(1, 2, 3)), kind="stable")[:k], "most wrong pixels"),
        (lambda t, m, k: np.argsort([metrics.recall(a, b) for a, b in zip(t, m)], kind="stable")[:k], "recall"),
        (lambda t, m, k: np.argsort(ious(t, m))[:k][:, None], "array of shape (3, 1)"),
        (lambda t, m, k: [7, 6, 5, 4, 3][:k], "the worst are [1, 4, 6]"),
        (lambda t, m, k: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_pictures_are_recognised(capsys, wrong, word):
    text = said(capsys, checks.worst_pictures, wrong)
    assert text.startswith("✗") and word in text
