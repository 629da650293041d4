"""Diffusion: pictures and noise mix and unmix, the network is the U-Net plus time, drawings are measured honestly."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from scripts import studies_drawing
from utils import diffusion, drawings, plots, project, shapes, unet, weights


@pytest.fixture(scope="module")
def drawn():
    """Pictures and their kinds."""
    return drawings.draw(60, split="test")


@pytest.fixture(scope="module")
def tiny():
    """An untrained network."""
    keras.utils.set_random_seed(0)
    return diffusion.build_denoiser(depth=1, base=8)


# ---- Pictures and noise ------------------------------------------------------------------------------------------------


def test_a_picture_is_one_white_shape_wholly_inside_and_depends_on_its_number_only(drawn):
    pictures, kinds = drawn
    assert pictures.shape == (60, 32, 32, 1) and pictures.dtype == np.float32 and set(kinds) == set(range(5))
    assert (pictures.min(axis=(1, 2, 3)) == 0).all() and (pictures.max(axis=(1, 2, 3)) == 1).all()
    plan = shapes.plan(60, split="test", level="easy")
    area = drawings._AREAS * plan.radius[:, :1] ** 2 * 32**2
    painted = pictures.sum(axis=(1, 2, 3))
    assert np.allclose(painted, area[np.arange(60), kinds], rtol=0.03), "nothing is cut off"
    tilt = drawings.measure(pictures)[3][np.arange(60), kinds]
    turned = np.isin(kinds, [shapes.KINDS.index(kind) for kind in ("square", "triangle", "cross")])
    asked = 0.15 * (plan.angle[:, 0] / np.pi - 1)
    assert np.allclose(tilt[turned], asked[turned], atol=0.02), "tilted by .15 radians at most"
    assert np.array_equal(drawings.draw(9, split="test")[0], pictures[:9])
    assert not np.array_equal(drawings.draw(9)[0], pictures[:9])


@pytest.mark.parametrize("kind", range(5), ids=shapes.KINDS)
def test_area_centre_and_tilt_of_a_shape_are_measured(kind):
    x, y, radius, angle = (np.array(pair) for pair in ([0.4, 0.6], [0.55, 0.45], [0.2, 0.3], [-0.1, 0.14]))
    area, left, top, tilt = drawings.measure(drawings.silhouettes(shapes.plan(2), kind, x, y, radius, angle))
    assert np.allclose(area, drawings._AREAS[kind] * (32 * radius) ** 2, rtol=0.03)
    assert np.allclose([left, top], [x, y], atol=0.005)
    assert shapes.KINDS[kind] in ("disc", "ring") or np.allclose(tilt[:, kind], angle, atol=0.02)


@pytest.mark.parametrize("shift", [1.0, 6.0])
def test_shares_go_from_picture_to_noise_and_their_squares_add_up_to_one(shift):
    signal, spread = map(np.asarray, diffusion.shares(np.linspace(0, 1, 11, dtype=np.float32), shift))
    assert np.allclose(signal**2 + spread**2, 1, atol=1e-6) and np.allclose([signal[0], spread[-1]], 1)
    assert (np.diff(signal) < 0).all() and np.allclose(
        spread[1:-1] / signal[1:-1], shift * np.tan(np.pi / 2 * np.arange(0.1, 0.95, 0.1)), rtol=1e-4
    )


def test_noise_that_was_added_is_found_again_and_a_step_changes_the_shares_only(drawn):
    pictures, noise = drawn[0][:3], diffusion.noise(3, 5)
    now, then = [np.full((3, 1), time, np.float32) for time in (0.6, 0.4)]
    noisy = diffusion.add_noise(pictures, noise, now)
    shares = [[np.asarray(one)[:, :, None, None] for one in diffusion.shares(time)] for time in (now, then)]
    assert np.allclose(diffusion.noise_in(noisy, pictures, *shares[0]), noise, atol=1e-5)
    assert np.allclose(
        diffusion.step_down(noisy, pictures, *shares), diffusion.add_noise(pictures, noise, then), atol=1e-5
    )


def test_batches_hold_clean_pictures_and_fresh_noise_for_each_time(drawn):
    pictures, kinds = drawn
    batches = [*diffusion.dataset(pictures, kinds, batch_size=30, seed=3).take(4)]
    times = np.concatenate([time for (_, time, _), _ in batches])
    assert times.shape == (120, 1) and len(np.unique(times)) == 120 and times.min() < 0.1 and times.max() > 0.9
    for (noisy, time, kind), clean in batches:
        shares = [np.asarray(one)[:, :, None, None] for one in diffusion.shares(time)]
        noise = diffusion.noise_in(noisy, clean, *shares).numpy()
        assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.05
        number = {one.tobytes(): k for k, one in enumerate(pictures)}
        assert (kinds[[number[one.tobytes()] for one in clean.numpy()]] == kind.numpy().argmax(axis=1)).all()
    data = diffusion.dataset(pictures, kinds, batch_size=30, seed=3)
    again, later = next(iter(data)), next(iter(data))
    assert np.array_equal(again[0][0], batches[0][0][0]), "the same seed gives the same batches"
    assert not np.isin(later[0][1], times).any(), "a second pass has other noise"


# ---- The network and its drawings --------------------------------------------------------------------------------------


def test_the_network_has_the_blocks_of_the_u_net_and_a_time(tiny):
    model, plain = diffusion.build_denoiser(), unet.build_unet((16, 16, 24), depth=2, base=24, norm="group")
    own = {layer.name: [w.shape for w in layer.weights] for layer in model.layers}
    shared = [layer for layer in plain.layers if layer.weights and layer.name != "head"]
    assert len(shared) > 15 and [x.name for x in shared if own[x.name] != [w.shape for w in x.weights]] == []
    assert model.output_shape == (None, 32, 32, 1)
    bare = diffusion.build_denoiser(depth=1, base=8, skips=False)
    assert bare.count_params() == tiny.count_params() - 9 * 8 * 8 - 64 * 8 - 8, "only what the skip brings is missing"
    noisy = diffusion.noise(2)
    early, late, other = (
        tiny([noisy, np.full((2, 1), time, np.float32), diffusion.one_hot([kind, kind])]).numpy()
        for time, kind in ((0.1, 0), (0.9, 0), (0.9, 1))
    )
    assert 0 <= early.min() and early.max() <= 1 and min(np.abs(late - one).max() for one in (early, other)) > 1e-3, (
        "time and kind matter"
    )


def test_a_brief_training_lowers_the_loss_and_leaves_the_average_of_the_weights(drawn):
    keras.utils.set_random_seed(0)
    model = diffusion.build_denoiser(depth=1, base=4)
    diffusion.compile_denoiser(model, 30, average=0.9)
    data = diffusion.dataset(*drawn)
    losses = model.fit(data, steps_per_epoch=10, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    averages = model.optimizer._model_variables_moving_average
    assert all(np.allclose(w, a, atol=1e-6) for w, a in zip(model.trainable_variables, averages))


def test_drawing_is_the_loop_of_steps_keeps_what_is_known_and_repeats(tiny, drawn):
    start, kinds, times = diffusion.noise(3, 1), np.array([0, 4, 2]), np.linspace(1, 0, 6)
    seen, pictures = diffusion.sample(tiny, start, kinds, steps=5, fresh=0)
    assert seen.shape == pictures.shape == (5, 3, 32, 32, 1) and np.array_equal(seen[0], start)
    noisy = start
    for k, (before, after) in enumerate(zip(times, times[1:])):
        assert np.allclose(noisy, seen[k], atol=1e-3)
        picture = tiny([noisy, np.full((3, 1), before, np.float32), diffusion.one_hot(kinds)]).numpy()
        assert np.allclose(picture, pictures[k], atol=1e-3)
        now, then = ([float(one) for one in diffusion.shares(time)] for time in (before, after))
        noisy = diffusion.step_down(noisy, picture, now, then)
    assert np.array_equal(diffusion.sample(tiny, start, kinds, steps=5, fresh=0)[1], pictures)
    new = [diffusion.sample(tiny, start, kinds, steps=5, seed=seed)[0] for seed in (0, 0, 1)]
    assert np.array_equal(new[0], new[1]) and np.abs(new[0] - new[2])[1].max() > 0.5, "fresh noise has a seed"
    mask = np.zeros_like(start)
    mask[:, :, :16] = 1
    seen, pictures = diffusion.sample(tiny, start, kinds, steps=5, fresh=0, known=drawn[0][:3], mask=mask)
    assert np.array_equal(pictures[:, :, :, :16], np.stack([drawn[0][:3, :, :16]] * 5))
    kept = diffusion.add_noise(drawn[0][:3], start, np.full((3, 1), times[3], np.float32))
    assert np.allclose(seen[3][:, :, :16], kept[:, :, :16], atol=1e-3), "the known half has its proper noise"


# ---- What was drawn ----------------------------------------------------------------------------------------------------


def test_real_pictures_are_recognised_and_other_things_are_not(drawn):
    pictures, kinds = drawings.draw(500, split="test", seed=5)
    fit = drawings.fit(pictures)
    assert (drawings.recognise(pictures) == kinds).mean() >= 0.99
    assert np.delete(fit, np.ravel_multi_index((np.arange(500), kinds), fit.shape)).max() < 0.9, (
        "no kind looks like another"
    )
    for other in (
        np.zeros((5, 32, 32, 1)),
        diffusion.noise(5).clip(0, 1),
        0.5 * pictures[:50],
    ):
        assert (drawings.recognise(other.astype(np.float32)) == -1).all()
    star = drawings.silhouettes(shapes.plan(8), 5, *(np.full(8, 0.5) for _ in "xy"), 0.35, np.arange(8))
    half = pictures.copy()
    half[:, :, 16:] = 0
    assert (drawings.recognise(star) == -1).all() and (drawings.recognise(half) >= 0).mean() < 0.25
    two = np.maximum(pictures[:250], pictures[250:])
    two = two[two.sum(axis=(1, 2, 3)) > 1.5 * pictures[:250].sum(axis=(1, 2, 3))]
    assert (drawings.recognise(two) >= 0).mean() < 0.15


def test_the_nearest_picture_and_its_distance(drawn):
    pictures = drawn[0]
    changed = np.clip(pictures[[7, 3]] + np.float32(0.01), 0, 1)
    numbers, distance = drawings.nearest(changed, pictures)
    assert numbers.tolist() == [7, 3]
    right = [np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(changed, pictures[[7, 3]])]
    assert np.allclose(distance, right, atol=1e-3)


def test_the_drawing_network_scores_what_its_card_says():
    card = weights.card("unet_drawing")
    model = weights.load_shipped("unet_drawing", build=diffusion.build_denoiser)
    assert model.count_params() == card["parameters"] and "/" not in str(card)
    assert (project.DATA / card["file"]).stat().st_size < 2_200_000
    found = studies_drawing.recognised(model, 100)
    assert found == pytest.approx(card["test"]["recognised"], abs=0.08) and card["test"]["recognised"] >= 0.8
    found = studies_drawing.score(model)
    assert found == pytest.approx({name: card["test"][name] for name in found}, abs=0.005)


# ---- Figures -----------------------------------------------------------------------------------------------------------


def test_figures_draw_what_they_are_given_and_say_so(drawn):
    pictures, kinds = drawn
    fig, alt = plots.schedules.__wrapped__(
        np.linspace(0, 1, 5), {"plain": ([1, 0.9, 0.6, 0.2, 0], [0, 0.2, 0.6, 0.9, 1])}
    )
    assert [line.get_ydata()[1] for line in fig.axes[0].lines] == [
        0.9,
        0.2,
    ] and "plain: equal shares at time 0.50" in alt
    fig, alt = plots.time_codes.__wrapped__(np.linspace(0, 1, 4), np.eye(4))
    assert np.array_equal(fig.axes[0].images[0].get_array(), np.eye(4)) and "from 0 to 1, 4 numbers each" in alt
    fig = plots.gallery.__wrapped__({"a": pictures[:3], "b": pictures[3:6]}, ["x", "y", "z"])
    assert np.array_equal(fig.axes[4].images[0].get_array(), pictures[4, ..., 0]) and fig.axes[1].get_title() == "y"
    assert [fig.axes[k].get_ylabel() for k in (0, 3)] == ["a", "b"]
    found = np.append(kinds[:11], -1)
    fig, alt = plots.drawings.__wrapped__(pictures[:12], found, columns=6)
    assert [axis.get_xlabel() for axis in fig.axes] == [[*shapes.KINDS, "none"][kind] for kind in found]
    assert f"disc {np.sum(found == 0)}" in alt and alt.endswith("none 1.")
    fig, alt = plots.nearest_distances.__wrapped__({"a": np.array([0.3, 0.1, 0.2]), "b": np.array([0.4])})
    assert np.allclose(fig.axes[0].lines[0].get_data(), [[0.1, 0.2, 0.3], [1 / 3, 2 / 3, 1]])
    assert "a: 0.10 to 0.30, half below 0.20; b: 0.40" in alt


def test_the_animation_has_a_frame_a_step_and_ends_with_the_last(drawn):
    pictures = np.stack([drawn[0][:2] * share for share in (0, 0.5, 1)])
    png, alt = plots.drawing_animation(4 * pictures - 2, pictures)
    with Image.open(io.BytesIO(png)) as animation:
        still = np.asarray(animation.convert("L"))
        assert animation.n_frames == 4 and "3 steps: 2 noisy pictures" in alt
    shown = still[103 : 103 + 96 : 3, 91 : 91 + 96 : 3]
    assert np.abs(shown / 255 - np.rint(pictures[2, 0, ..., 0] * 15) / 15).max() < 0.02, (
        "the last prediction below its input"
    )
