"""The answers to the exercises of notebook 12 the U-Net that draws."""

from __future__ import annotations

import numpy as np

from utils import diffusion
from utils.checks.base import call, check, judge, number, parts


def _example(seed=4):
    """A small picture and noise, ``(4, 4, 1)`` each."""
    rng = np.random.default_rng(seed)
    return rng.random((4, 4, 1)).astype(np.float32), rng.standard_normal((4, 4, 1)).astype(np.float32)


@check
def noisy_picture(answer):
    """Mix a picture, 0..1, with noise: ``answer(picture, noise, signal, spread)``, the picture brought to -1..1 first."""
    picture, noise = _example()
    for signal, spread in ((0.8, 0.6), (0.28, 0.96)):
        scaled = 2 * picture - 1
        mistakes = (
            (signal * picture + spread * noise, "The picture is still 0..1. Bring it to -1..1 first: 2 * picture - 1."),
            (
                spread * scaled + signal * noise,
                "The shares are swapped: signal belongs to the picture, spread to the noise.",
            ),
            (scaled + spread * noise, "The share of the picture is missing: it fades while the noise grows."),
            (signal * scaled + noise, "The share of the noise is missing."),
            (
                signal**2 * scaled + spread**2 * noise,
                "You have squared the shares. It is their squares that add up to 1.",
            ),
            (
                2 * (signal * picture + spread * noise) - 1,
                "You scale the mixture. Only the picture goes from 0..1 to -1..1.",
            ),
            (signal * scaled - spread * noise, "You subtract the noise; it is added."),
        )
        yield judge(call(answer, picture, noise, signal, spread), signal * scaled + spread * noise, mistakes)


@check
def cosine_shares(answer):
    """The shares of the shifted cosine schedule: ``answer(time, shift)``, two numbers."""
    for time, shift in ((0.3, 1.0), (0.5, 6.0), (0.8, 3.0), (1.0, 6.0)):
        found = parts(
            call(answer, time, shift), 2, "Return two numbers: the share of the picture and that of the noise."
        )
        found = [number(one, "Return two numbers: the share of the picture and that of the noise.") for one in found]
        right = [float(one) for one in diffusion.shares(time, shift)]
        cos, sin = np.cos(np.pi / 2 * time), shift * np.sin(np.pi / 2 * time)
        whole = np.cos(np.pi * time), shift * np.sin(np.pi * time)
        squares = np.square(right)
        degrees = np.cos(90 * time), shift * np.sin(90 * time)
        mistakes = [
            (right[::-1], "the shares are swapped: at time 0 all is picture."),
            ([cos, sin], "the squares of your shares do not add up to 1. Divide both by the root of that sum."),
            (
                [cos, sin / shift],
                "you left out the shift: the noise is `shift` times as strong for each share of the picture.",
            ),
            (np.divide(whole, np.hypot(*whole)), "time 1 is a quarter turn: pi / 2 times the time."),
            (squares, "those are the squares of the shares."),
            (np.divide(degrees, np.hypot(*degrees)), "NumPy's angles are radians: pi / 2, not 90."),
            (
                [cos / (cos + sin), sin / (cos + sin)],
                "you divide by the sum. It is the squares that add up to 1: divide by the root of their sum.",
            ),
        ]
        case = f"For time {time:g} and shift {shift:g} you return {found[0]:.3f} and {found[1]:.3f}; "
        otherwise = f"it should be {right[0]:.3f} and {right[1]:.3f}."
        yield judge(found, right, mistakes, case=case, otherwise=otherwise, atol=1e-5)


@check
def time_code(answer):
    """Sines, then cosines, of times multiplied by frequencies: ``answer(times, frequencies)``, ``(N, 2 F)``."""
    times, frequencies = np.array([0.0, 0.3, 1.0]), np.array([1.0, 5.0, 25.0, 100.0])
    angle = times[:, None] * frequencies
    right = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    mixed = np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(3, 8)
    turns = np.concatenate([np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)], axis=1)
    divided = np.concatenate([np.sin(times[:, None] / frequencies), np.cos(times[:, None] / frequencies)], axis=1)
    mistakes = (
        (np.concatenate([np.cos(angle), np.sin(angle)], axis=1), "The cosines come first; put the sines first."),
        (mixed, "Sines and cosines alternate; put all sines first, then all cosines."),
        (turns, "Leave out 2 pi: the angle is time times frequency."),
        (divided, "Multiply the time by the frequency; you divide."),
        (angle, "Those are the angles. Their sines and cosines are wanted."),
        (np.sin(angle), "The cosines are missing: a sine alone has the same value for two angles."),
        (np.cos(angle), "The sines are missing."),
    )
    shapes = {
        right.T.shape: "Times go down, frequencies across: times[:, None] * frequencies.",
        (6, 4): "Join sines and cosines along the last axis: axis=1.",
        (2, 3, 4): "Join sines and cosines along the last axis: np.concatenate([...], axis=1).",
        (24,): "Keep a row for each time: join along axis=1.",
    }
    yield judge(call(answer, times, frequencies), right, mistakes, shapes)


@check
def one_step(answer):
    """A step to less noise: ``answer(noisy, picture, now, then)``, the same noise and the predicted picture in other shares."""
    picture, noise = _example()
    for now, then in (((0.28, 0.96), (0.6, 0.8)), ((0.6, 0.8), (0.8, 0.6)), ((0.8, 0.6), (1.0, 0.0))):
        scaled, other = 2 * picture - 1, _example(9)[1]
        noisy = np.float32(now[0] * scaled + now[1] * noise + 0.2 * other)
        held = (noisy - now[0] * scaled) / now[1]
        unscaled = (noisy - now[0] * picture) / now[1]
        mistakes = (
            (
                then[0] * picture + then[1] * unscaled,
                "The picture is still 0..1. Bring it to -1..1 first: 2 * picture - 1.",
            ),
            (
                then[0] * scaled + then[1] * (noisy - now[0] * scaled),
                "Divide what is left by now's share of the noise.",
            ),
            (then[0] * scaled + then[1] * (noisy - scaled), "Take only now's share of the picture away."),
            (then[0] * scaled + then[1] * (noisy - scaled) / now[1], "Take only now's share of the picture away."),
            (now[0] * scaled + now[1] * held, "You put picture and noise together in the old shares; nothing changes."),
            (then[0] * scaled + now[1] * held, "The noise keeps its old share; it gets then's."),
            (now[0] * scaled + then[1] * held, "The picture keeps its old share; it gets then's."),
            (scaled, "That is the predicted picture. One step goes only a part of the way."),
            (picture, "That is the predicted picture. One step goes only a part of the way."),
            (held, "That is the noise. Put it together with the picture in then's shares."),
            (then[1] * scaled + then[0] * held, "The shares are swapped: the first belongs to the picture."),
        )
        yield judge(
            call(answer, noisy, picture, now, then), diffusion.step_down(noisy, picture, now, then), mistakes, atol=1e-4
        )
