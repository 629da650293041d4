"""The checks of notebook 10: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks

VOID = 255


def pooled(truths, predictions, classes, void=VOID, missing=np.nan, background=True):
    truth, predicted = np.concatenate([np.ravel(t) for t in truths]), np.concatenate([np.ravel(p) for p in predictions])
    known = truth != void
    scores = []
    for k in range(0 if background else 1, classes):
        either = ((truth == k) | (predicted == k)) & known
        scores.append(((truth == k) & (predicted == k)).sum() / either.sum() if either.any() else missing)
    return np.nanmean(scores)


def over_flips(axes=((), (1,), (0,), (0, 1)), back=True):
    def answer(predict, image):
        outputs = [predict(np.flip(image, one)) for one in axes]
        return np.mean([np.flip(out, one) if back else out for out, one in zip(outputs, axes)], axis=0)

    return answer


def pad(image, multiple, more=0, mode="reflect"):
    height, width = image.shape[:2]
    return np.pad(image, [(0, -height % multiple + more), (0, -width % multiple + more), (0, 0)], mode)


group, miou, flips, padded = checks.stays_together, checks.mean_iou, checks.mean_over_flips, checks.padded
CASES = [
    *((check, lambda *args: None, "Waiting") for check in (group, miou, flips, padded)),
    *((check, lambda *args: 1 / 0, "stopped with ZeroDivisionError") for check in (group, miou, flips, padded)),
    (group, lambda name: name.split("_")[0], "Right."),
    (group, lambda name: int(name[1:3]), "Right."),
    (group, lambda name: name, "group of its own"),
    (group, lambda name: name[0], "nothing can be held out"),
    (group, lambda name: name.rsplit("_", 1)[0], "one patient, and lie in two"),
    (group, lambda name: name[:2], "two patients, and lie in one"),
    (miou, pooled, "Right."),
    (miou, lambda *args: pooled(*args, void=-1), "void pixels"),
    (miou, lambda t, p, k: np.mean([pooled([a], [b], k) for a, b in zip(t, p)]), "mean over images"),
    (miou, lambda *args: pooled(*args, missing=0), "counts as 0"),
    (miou, lambda *args: pooled(*args, missing=1), "counts as 1"),
    (miou, lambda *args: pooled(*args, background=False), "class 0 is missing"),
    (miou, lambda t, p, k: np.mean((np.stack(t) == np.stack(p))[np.stack(t) != VOID]), "pixel accuracy"),
    (miou, lambda *args: 0.123, "another number"),
    (flips, over_flips(), "Right."),
    (flips, over_flips(back=False), "not mirrored back"),
    (flips, over_flips([()]), "plain prediction. Predict"),
    (flips, over_flips([(), (1,)]), "only left and right"),
    (flips, over_flips([(), (1,), (0,)]), "both ways is missing"),
    (flips, over_flips([(1,), (0,), (0, 1)]), "the plain prediction is missing"),
    (flips, lambda *args: 4 * over_flips()(*args), "that is the sum"),
    (flips, lambda predict, image: predict(image) + 1, "another mean"),
    (padded, pad, "Right."),
    (padded, lambda *args: pad(*args, mode="constant"), "Right."),
    (padded, lambda image, m: image[: image.shape[0] // m * m, : image.shape[1] // m * m], "you cut it"),
    (
        padded,
        lambda image, m: np.pad(image, [(0, m - image.shape[0] % m), (0, m - image.shape[1] % m), (0, 0)]),
        "is 0.",
    ),
    (padded, lambda image, m: pad(image, m, more=m * (image.shape != (48, 32, 3))), "is the next"),
    (padded, lambda image, m: np.flip(pad(np.flip(image, 0), m), 0), "upper left corner"),
    (padded, lambda image, m: pad(image, m)[None], "return (H, W, C)"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
