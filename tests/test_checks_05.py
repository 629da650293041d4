"""The checks of notebook 05: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import functools

import numpy as np
import pytest

from utils import checks, inspect_model, metrics
from utils.checks import visualizing


def said(capsys, check, answer):
    check(answer)
    return capsys.readouterr().out


def inside(p, low, high):
    return (p >= low) & (p < high)


def right_bin(t, p, low, high, choose=inside):
    return p[choose(p, low, high)].mean(), t[choose(p, low, high)].mean()


def second(value):
    """The right mean probability, and another value beside it."""
    return lambda t, p, low, high: (p[inside(p, low, high)].mean(), value(t, p, inside(p, low, high)))


def in_tiles(predict, image, tile, halo, begin=lambda cut, halo: cut, pad=None):
    """Tiles with a halo; ``begin`` says where in a window its tile begins, ``pad`` how the image is padded first."""
    height, width = image.shape[:2]
    result = np.zeros((height, width, 1))
    margin = halo if pad else 0
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode=pad) if pad else image
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = (halo, halo) if pad else (min(halo, top), min(halo, left))
            rows = slice(top + margin - above, top + margin + tile + halo)
            columns = slice(left + margin - before, left + margin + tile + halo)
            row, column = begin(above, halo), begin(before, halo)
            part = predict(wide[rows, columns])[row : row + tile, column : column + tile]
            result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


def negative_begin(predict, image, tile, halo):
    result = np.zeros((*image.shape[:2], 1))
    for top in range(0, image.shape[0], tile):
        window = image[top - halo : top + tile + halo]
        result[top : top + tile] = predict(window)[halo : halo + tile]
    return result


def halos_kept(predict, image, tile, halo):
    starts = range(0, image.shape[1], tile)
    parts = [predict(image[: tile + halo, max(left - halo, 0) : left + tile + halo]) for left in starts]
    return np.concatenate([np.concatenate(parts, axis=1)] * 3)


def ious(truth, mask):
    return metrics.iou(truth, mask, per_image=True)


def empty_is_0(truth, mask):
    both, either = ((truth & mask).sum(axis=(1, 2, 3)), (truth | mask).sum(axis=(1, 2, 3)))
    return both / np.maximum(either, 1)


def lowest(values):
    return lambda truth, mask, count: np.argsort(values(truth, mask), kind="stable")[:count]


kinds, reliability, ablation, tiles, worst = (
    checks.error_kinds, checks.calibration_bin, checks.ablation, checks.tiles, checks.worst_images
)  # fmt: skip

CASES = [
    (kinds, lambda t, m: (t > m, None), "Waiting"),
    (ablation, lambda model, images, masks: (0.5, None), "Waiting"),
    *((check, lambda *args: None, "Waiting") for check in (kinds, reliability, ablation, tiles, worst)),
    *(
        (check, lambda *args: 1 / 0, "stopped with ZeroDivisionError")
        for check in (kinds, reliability, ablation, tiles, worst)
    ),
    (kinds, lambda t, m: ((t == 1) & (m == 0), (t == 0) & (m == 1)), "Right."),
    (kinds, lambda t, m: [(t & (1 - m)), (m & (1 - t))], "Right."),
    (reliability, right_bin, "Right."),
    (reliability, lambda *args: np.array(right_bin(*args)), "Right."),
    (tiles, in_tiles, "Right."),
    (worst, lowest(ious), "Right."),
    (worst, lambda t, m, k: sorted(range(len(t)), key=lambda i: ious(t, m)[i])[:k], "Right."),
    (kinds, lambda t, m: (m > t, t > m), "You return the other kind"),
    (kinds, lambda t, m: (t != m, t != m), "all wrong pixels"),
    (kinds, lambda t, m: (t - m, m - t), "wraps round"),
    (kinds, lambda t, m: (t.astype(int) - m, m.astype(int) - t), "-1"),
    (kinds, lambda t, m: t != m, "Return two arrays"),
    (kinds, lambda t, m: ((t > m).sum(), (m > t).sum()), "The shape is (); it should be (8, 8, 1)."),
    (kinds, lambda t, m: (t == 1, m == 1), "The false negatives: A pixel on which both agree is no error"),
    (kinds, lambda t, m: (t > m, m == 1), "The false positives: A pixel on which both agree is no error"),
    (kinds, lambda t, m: (t * 0, m * 0), "There are 4, you mark 0"),
    (reliability, lambda *args: right_bin(*args)[::-1], "swapped"),
    (reliability, second(lambda t, p, bin: t[bin].sum()), "counts the bin's foreground"),
    (reliability, second(lambda t, p, bin: t[bin].sum() / t.size), "divide by all pixels"),
    (reliability, second(lambda t, p, bin: bin.mean()), "fall into the bin"),
    (reliability, second(lambda t, p, bin: t.mean()), "among all pixels"),
    (reliability, second(lambda t, p, bin: ((p > 0.5) == t)[bin].mean()), "the mask is right"),
    (reliability, lambda t, p, a, b: ((a + b) / 2, right_bin(t, p, a, b)[1]), "middle"),
    (reliability, lambda *args: right_bin(*args, choose=lambda p, a, b: (p > a) & (p <= b)), "limit"),
    (reliability, lambda *args: right_bin(*args, choose=lambda p, a, b: (p >= a) & (p <= b)), "limit"),
    (reliability, lambda t, p, a, b: 0.5, "Return two numbers"),
    (reliability, lambda t, p, a, b: (0.111, 0.222), "you give 0.111 and 0.222; expected are"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, 0), "No window reaches beyond its tile"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h // 2), "half as far"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, 3), "wrong near their borders"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h, begin=lambda cut, halo: halo), "border are shifted"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h, begin=lambda cut, halo: 0), "All tiles but the first"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h, pad="reflect"), "Did you pad"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h, pad="constant"), "Did you pad"),
    (tiles, negative_begin, "negative"),
    (tiles, halos_kept, "halo is still there"),
    (tiles, lambda p, x, t, h: p(x), "does not fit as a whole"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, 2 * h), "Add the halo once"),
    (tiles, lambda p, x, t, h: in_tiles(p, x, t, h)[..., 0], "(36, 48)"),
    (tiles, lambda p, x, t, h: np.zeros((36, 48, 1)), "never calls predict"),
    (tiles, lambda p, x, t, h: in_tiles(lambda w: p(w)[::-1], x, t, h), "differ from the whole"),
    (tiles, lambda p, x, t, h: in_tiles(lambda w: p(w[None])[0], x, t, h), "(1, 16, 16, 3)"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[::-1][:k], "the best images"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[-k:], "the best images"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[:k][::-1], "wrong order"),
    (worst, lambda t, m, k: np.sort(ious(t, m))[:k], "scores themselves"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[:k] + 1, "one too high"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[:3], "Asked for 5"),
    (worst, lambda t, m, k: ious(t, m) < 0.5, "true and false"),
    (worst, lambda t, m, k: np.argsort([metrics.iou(t, m)]), "single number"),
    (worst, lowest(empty_is_0), "Image 2"),
    (worst, lowest(lambda t, m: -(t != m).sum(axis=(1, 2, 3))), "most wrong pixels"),
    (worst, lowest(lambda t, m: [metrics.recall(a, b) for a, b in zip(t, m)]), "recall"),
    (worst, lambda t, m, k: np.argsort(ious(t, m))[:k][:, None], "array of shape (3, 1)"),
    (worst, lambda t, m, k: [7, 6, 5, 4, 3][:k], "example are [1, 4, 6]; you return [7, 6, 5]"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    out = said(capsys, check, answer)
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out


# ---- An ablation: the network is evaluated once for each set of skips, all answers are made of these scores ------------


@functools.cache
def mask_without(*levels):
    model, _, images, _ = visualizing._small_network()
    model = inspect_model.without_skip(model, *levels) if levels else model
    return metrics.to_mask(model(images, training=False))


def score(masks, *levels, judge=metrics.iou):
    return judge(masks, mask_without(*levels))


def answer(cut=lambda level: (level,), judge=metrics.iou, change=lambda whole, drops: (whole, drops)):
    """An ablation whose skips, judge or result may be wrong."""

    def ablate(model, images, masks):
        whole = score(masks, judge=judge)
        drops = {level: whole - score(masks, *cut(level), judge=judge) for level in (1, 2, 3, 4)}
        return change(whole, drops | {"a part of my own": whole / 2})

    return ablate


def only(change):
    """The right ablation, each drop changed."""
    return answer(change=lambda whole, drops: (whole, {part: change(whole, drop) for part, drop in drops.items()}))


def per_image(truth, mask):
    return metrics.iou(truth, mask, per_image=True).mean()


def on_the_network_itself(model, images, masks):
    model.get_layer("dec1_conv1").kernel.assign(model.get_layer("dec1_conv1").kernel * 0)
    return answer()(model, images, masks)


def with_my_part(drop):
    return answer(change=lambda whole, drops: (whole, drops | {"head": drop}))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answer(), "Right."),
        (answer(change=lambda whole, drops: [np.float32(whole), drops]), "Right."),
        (answer(change=lambda whole, drops: drops), "Return two things"),
        (answer(change=lambda whole, drops: (whole, list(drops.values()))), "is a list"),
        (answer(judge=per_image), "mean over the images"),
        (answer(judge=metrics.dice), "Dice"),
        (answer(judge=metrics.pixel_accuracy), "accuracy"),
        (answer(change=lambda whole, drops: (0.0, drops)), "return its IoU"),
        (answer(change=lambda whole, drops: (0.5, drops)), "you say 0.50"),
        (answer(change=lambda whole, drops: (whole, {f"skip {k}": v for k, v in drops.items()})), "no key 1, 2, 3, 4"),
        (answer(change=lambda whole, drops: (whole, {k: drops[k] for k in (1, 2, 3, 4)})), "of your own choice"),
        (only(lambda whole, drop: whole - drop), "scores that are left"),
        (only(lambda whole, drop: -drop), "sign"),
        (only(lambda whole, drop: drop / whole), "shares"),
        (answer(cut=lambda level: ()), "Does the changed network predict"),
        (answer(cut=lambda level: (5 - level,)), "wrong order"),
        (answer(cut=lambda level: range(1, level + 1)), "on top of the one before"),
        (answer(cut=lambda level: range(level, 5)), "on top of the one before"),
        (answer(cut=lambda level: (2,)), "For skip 1"),
        (with_my_part(2.0), "cannot be"),
        (with_my_part(0.0), "changes nothing"),
        (on_the_network_itself, "changes the network"),
    ],
)
def test_what_is_said_about_an_ablation(capsys, answer, words):
    assert words in said(capsys, ablation, answer)


def test_a_network_that_was_damaged_is_whole_again_for_the_next_answer(capsys):
    said(capsys, ablation, on_the_network_itself)
    model, weights, _, _ = visualizing._small_network()
    assert all(map(np.array_equal, model.get_weights(), weights))
