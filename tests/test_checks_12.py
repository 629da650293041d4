"""The checks of notebook 12: an empty stub waits, a right answer passes, each typical mistake gets its own hint."""

import numpy as np
import pytest

from utils import checks


def noisy(mix):
    return lambda picture, noise, signal, spread: mix(picture, 2 * picture - 1, noise, signal, spread)


def shares(turn=np.pi / 2, *, shift=True, size=np.hypot, swap=False, power=1):
    """The right shares, or with another angle, without the shift, or divided by something else."""

    def answer(time, strength):
        pair = np.cos(turn * time), (strength if shift else 1) * np.sin(turn * time)
        pair = [(one / size(*pair)) ** power for one in pair]
        return pair[::-1] if swap else pair

    return answer


def code(join):
    """A code from the angles, one row a time."""
    return lambda times, frequencies: join(times[:, None] * frequencies)


def both(angle, axis=1):
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=axis)


def step(end):
    """The last line of a step: from picture, scaled picture, noisy picture, the noise, and both pairs of shares."""

    def answer(noisy, picture, now, then):
        scaled = 2 * picture - 1
        return end(picture, scaled, noisy, (noisy - now[0] * scaled) / now[1], now, then)

    return answer


mix, plan, tell, go = checks.noisy_picture, checks.cosine_shares, checks.time_code, checks.one_step

CASES = [
    *((check, lambda *_: None, "Waiting") for check in (mix, plan, tell, go)),
    *((check, lambda *_: 1 / 0, "ZeroDivisionError") for check in (mix, plan, tell, go)),
    (mix, noisy(lambda p, s, e, a, b: a * s + b * e), "Right."),
    (mix, noisy(lambda p, s, e, a, b: a * p + b * e), "still 0..1"),
    (mix, noisy(lambda p, s, e, a, b: b * s + a * e), "swapped"),
    (mix, noisy(lambda p, s, e, a, b: s + b * e), "share of the picture is missing"),
    (mix, noisy(lambda p, s, e, a, b: a * s + e), "share of the noise is missing"),
    (mix, noisy(lambda p, s, e, a, b: a**2 * s + b**2 * e), "squared the shares"),
    (mix, noisy(lambda p, s, e, a, b: 2 * (a * p + b * e) - 1), "scale the mixture"),
    (mix, noisy(lambda p, s, e, a, b: a * s - b * e), "subtract"),
    (mix, noisy(lambda p, s, e, a, b: a * s), "16 of 16 values are wrong"),
    (plan, shares(), "Right."),
    (plan, shares(swap=True), "swapped"),
    (plan, shares(size=lambda a, b: 1), "do not add up to 1"),
    (plan, shares(shift=False), "left out the shift"),
    (plan, shares(np.pi), "quarter turn"),
    (plan, shares(90), "radians"),
    (plan, shares(power=2), "squares of the shares"),
    (plan, shares(size=lambda a, b: a + b), "divide by the sum"),
    (plan, lambda time, shift: 0.5, "two numbers"),
    (plan, lambda time, shift: (0.5, 0.5), "it should be"),
    (tell, code(both), "Right."),
    (tell, code(lambda a: both(a)[:, [4, 5, 6, 7, 0, 1, 2, 3]]), "sines first"),
    (tell, code(lambda a: both(a)[:, [0, 4, 1, 5, 2, 6, 3, 7]]), "alternate"),
    (tell, code(lambda a: both(2 * np.pi * a)), "Leave out 2 pi"),
    (tell, lambda t, f: both(t[:, None] / f), "you divide"),
    (tell, code(lambda a: np.tile(a, (1, 1))), "Those are the angles"),
    (tell, code(np.sin), "cosines are missing"),
    (tell, code(np.cos), "sines are missing"),
    (tell, code(lambda a: both(a).T), "Times go down"),
    (tell, code(lambda a: both(a, axis=0)), "along the last axis"),
    (tell, code(lambda a: np.stack([np.sin(a), np.cos(a)])), "along the last axis"),
    (tell, code(lambda a: both(a).ravel()), "a row for each time"),
    (go, step(lambda p, s, z, e, now, then: then[0] * s + then[1] * e), "Right."),
    (go, step(lambda p, s, z, e, now, then: then[0] * p + then[1] * (z - now[0] * p) / now[1]), "still 0..1"),
    (go, step(lambda p, s, z, e, now, then: then[0] * s + then[1] * (z - now[0] * s)), "Divide what is left"),
    (go, step(lambda p, s, z, e, now, then: then[0] * s + then[1] * (z - s)), "share of the picture away"),
    (go, step(lambda p, s, z, e, now, then: then[0] * s + then[1] * (z - s) / now[1]), "share of the picture away"),
    (go, step(lambda p, s, z, e, now, then: z), "old shares"),
    (go, step(lambda p, s, z, e, now, then: then[0] * s + now[1] * e), "noise keeps"),
    (go, step(lambda p, s, z, e, now, then: now[0] * s + then[1] * e), "picture keeps"),
    (go, step(lambda p, s, z, e, now, then: s), "That is the predicted picture"),
    (go, step(lambda p, s, z, e, now, then: p), "That is the predicted picture"),
    (go, step(lambda p, s, z, e, now, then: e), "That is the noise"),
    (go, step(lambda p, s, z, e, now, then: then[1] * s + then[0] * e), "swapped"),
]


@pytest.mark.parametrize(("check", "answer", "words"), CASES)
def test_what_is_said_about_an_answer(capsys, check, answer, words):
    check(answer)
    out = capsys.readouterr().out
    assert out[0] == {"Waiting": "…", "Right.": "✓"}.get(words, "✗") and words in out, out
