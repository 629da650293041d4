"""The plan: what it chooses and why, the windows it draws, and tiles that join to the whole."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from utils import folders, losses, objects, pipeline, planning, training, unet


def write(path, pairs):
    """A folder of images and masks."""
    for k, pair in enumerate(pairs):
        for kind, array in zip(("images", "masks"), pair):
            (path / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(array, np.uint8)).save(path / kind / f"{k}.png")
    return path


def disc(side, radius, colour=False, value=255, seed=0):
    """An image of one disc in noise, and its mask."""
    rows, columns = np.indices((side, side)) - side // 2
    there = rows**2 + columns**2 <= radius**2
    image = np.where(there, 150, 60) + np.random.default_rng(seed).integers(0, 30, there.shape)
    return np.stack([image] * 2 + [255 - image], -1) if colour else image, there * value


def grid(side, pitch, radius):
    """An image of discs on a grid, and its label map; from a radius of half of the pitch on they touch."""
    rows, columns = np.indices((side, side))
    there = np.hypot(rows % pitch - pitch // 2, columns % pitch - pitch // 2) <= radius
    return np.where(there, 150, 60), there * (1 + rows // pitch * (side // pitch) + columns // pitch)


def stripes(side, pitch, width):
    """An image of stripes, and its mask."""
    there = np.indices((side, side))[1] % pitch < width
    return np.where(there, 150, 60), there * 255


def planned(path, pairs, kind=None, **choices):
    """The plan for some pairs."""
    return planning.plan(folders.read(write(path, pairs), kind), **choices)


# ---- Choices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("radius", "scale"), [(40, 1), (60, 0.5), (120, 0.25)])
def test_large_objects_are_reduced_until_four_poolings_see_twice_their_width(tmp_path, radius, scale):
    made = planned(tmp_path, [disc(512, radius)] * 2)
    assert (made.scale, made.depth) == (scale, 4)
    assert planning.field(4) == 188 and 2 * radius * scale <= 94 < 4 * radius * scale or scale == 1
    assert f"{2 * radius} px wide" in made.reasons["scale"]


def test_images_are_reduced_where_the_time_allows_few_passes_but_objects_stay_32_px_wide(tmp_path):
    folder = folders.read(write(tmp_path, [disc(512, 40)] * 2))
    plans = {seconds: planning.plan(folder, seconds=seconds) for seconds in (90, 20)}
    assert {seconds: made.scale for seconds, made in plans.items()} == {90: 1, 20: 0.5}
    pixels = (20 - planning.COMPILE) * planning.SPEED / planning.products(4, 8, 1, 1)
    assert f"seen {pixels / (2 * 256**2):.0f} times" in plans[20].reasons["scale"]
    assert planning.plan(folders.read(write(tmp_path / "small", [disc(512, 30)] * 2)), seconds=20).scale == 1


def test_what_is_thin_is_not_reduced_away_and_more_depth_sees_what_is_large(tmp_path):
    image, large = disc(512, 120, value=1)
    large[:, 20:25] = 2  # a line of five pixels
    made = planned(tmp_path, [(image, large)] * 2, "classes")
    assert (made.scale, made.depth) == (1, 5) and "thin" in made.reasons["scale"]
    assert planned(tmp_path / "thin", [stripes(512, 300, 4)] * 2).scale == 1


@pytest.mark.parametrize(
    ("side", "radius", "window"), [(512, 20, 128), (512, 42, 176), (100, 20, 112), (40, 8, 48), (600, 62, 128)]
)
def test_a_window_holds_two_objects_and_is_no_larger_than_the_images(tmp_path, side, radius, window):
    assert planned(tmp_path, [disc(side, radius)] * 2).window == window


def test_the_loss_follows_the_rarest_class(tmp_path):
    common = planned(tmp_path / "common", [disc(128, 40)] * 2)
    rare = planned(tmp_path / "rare", [disc(128, 8)] * 2)
    assert (common.loss, rare.loss) == ("ce", "ce+dice")
    assert "1.2%" in rare.reasons["loss"]  # of 128 x 128 pixels, 197 in the disc


@pytest.mark.parametrize(
    ("names", "channels", "wide", "flips"),
    [
        (["background", "left lung", "right lung"], 1, 20, "none"),
        (["background", "kidney_left"], 3, 90, "none"),
        (["background", "leftover", "brightness"], 1, 20, "all"),
        (["background", "pet"], 3, 90, "mirror"),
        (["background", "pet"], 1, 90, "all"),
        (["background", "cell"], 3, 20, "all"),
    ],
)
def test_flips_keep_left_from_right_and_photographs_upright(names, channels, wide, flips):
    assert planning._flips(names, channels, wide, [(300, 400)] * 3)[0] == flips


def test_more_time_gives_a_wider_network_and_more_steps(tmp_path):
    path = write(tmp_path, [disc(256, 30)] * 2)
    folder = folders.read(path)
    short, long = (planning.plan(folder, seconds=seconds) for seconds in (90, 900))
    assert short.base == 8 < long.base and short.steps >= 300
    step = long.batch * long.window**2 * planning.products(4, long.base, 1, 1) / planning.SPEED
    assert long.steps * step == pytest.approx(900 - planning.COMPILE, rel=0.01) and long.steps >= planning.STEPS


def test_every_choice_can_be_overruled_and_what_depends_on_it_follows(tmp_path):
    folder = folders.read(write(tmp_path, [disc(512, 120)] * 2))
    usual, mine = planning.plan(folder), planning.plan(folder, scale=1.0, base=12, flips="none", threshold=0.3)
    assert (mine.scale, mine.base, mine.flips, mine.threshold) == (1.0, 12, "none", 0.3)
    assert mine.depth == 5 and mine.window == 256 and mine.steps < usual.steps
    assert mine.reasons["base"] == "your choice" != mine.reasons["depth"]
    for wrong, words in (
        ({"width": 3}, "a choice is 'width'; choose one of 'scale', 'depth'"),
        ({"channels": 3}, "a choice is 'channels'"),
        ({"loss": "dice"}, "loss is 'dice'; choose one of 'ce', 'ce.dice'"),
        ({"window": 100}, "depth=4 needs a multiple of 16"),
    ):
        with pytest.raises(ValueError, match=words):
            planning.plan(folder, **wrong)


def test_dark_images_are_brightened_as_notebook_09_does(tmp_path):
    image, mask = disc(80, 20)
    assert not planned(tmp_path / "usual", [(image, mask)] * 2).stretch
    dark = planned(tmp_path / "dark", [(image // 3, mask)] * 2)
    assert dark.stretch and "0.10" in dark.reasons["stretch"]
    small = np.float32(image / 3 / 255)[..., None]
    np.testing.assert_allclose(dark._ready(small), pipeline.stretch(small), atol=1e-5)
    large = np.tile(small, (40, 40, 1))
    np.testing.assert_allclose(dark._ready(large)[:80, :80], pipeline.stretch(small), atol=0.02)


def test_the_plan_says_each_choice_and_its_reason_in_one_line(tmp_path):
    made = planned(tmp_path, [disc(64, 9)] * 2)
    lines = str(made).splitlines()
    assert [line.split()[0] for line in lines] == list(made.reasons) and all(made.reasons.values())
    assert {"kind", "channels", "scale", "window", "depth", "base", "loss", "batch", "flips", "steps", "epochs"} <= set(
        made.reasons
    )
    assert next(line for line in lines if line.startswith("window")).split()[1] == str(made.window)


def test_objects_are_separated_by_distance_where_the_masks_allow_it_else_by_their_border(tmp_path):
    touching = planned(tmp_path / "touching", [grid(240, 24, 12)] * 2, "objects")
    assert touching.markers == "distance" and 3 <= touching.distance <= 11
    rows, columns = np.indices((240, 240))
    rods = (columns % 40 < 14) * (1 + columns // 40)  # long objects are no basins
    assert planned(tmp_path / "rods", [(rods * 20, rods)] * 2, "objects").markers == "border"
    packed = np.where(rows < 6, 0, 1 + rows // 24 * 10 + columns // 24)
    packed = planned(tmp_path / "packed", [(rows % 24 * 9, packed)] * 2, "objects")
    assert packed.markers == "border" and packed.classes == 3  # hardly any background to measure a distance to


# ---- Windows -----------------------------------------------------------------------------------------------------------


def test_windows_show_images_with_their_targets_and_never_the_void(tmp_path):
    rows, columns = np.indices((90, 130))
    codes = (columns > 100) + (rows < 9) * 254  # values 0, 1, 254 and 255; the upper rows are void
    image = np.where(rows < 9, 255, np.where(columns > 100, 200, 90))
    folder = folders.read(write(tmp_path, [(image, np.where(rows < 9, 255, codes))] * 2), "classes")
    made = planning.plan(folder, window=32, batch=5)
    images, targets, weights = (np.asarray(part) for part in next(iter(made.windows(folder, 3))))
    assert images.shape == targets.shape == weights.shape == (5, 32, 32, 1)
    assert {one.dtype for one in (images, targets, weights)} == {np.dtype("float32")}
    batches = [[np.asarray(part) for part in batch] for batch in made.windows(folder, 3, still=True).take(8)]
    images, targets, weights = (np.concatenate(parts) for parts in zip(*batches))
    known = weights > 0
    assert 0 < (~known).mean() < 0.5 and set(np.unique(weights)) == {0, 1}
    np.testing.assert_allclose(images[known], np.where(targets[known] == 1, 200, 90) / 255, atol=1e-3)
    np.testing.assert_allclose(images[~known], 1, atol=1e-3)


def test_the_same_seed_gives_the_same_windows_and_another_seed_others(tmp_path):
    folder = folders.read(write(tmp_path, [disc(80, 20, seed=k) for k in range(3)]))
    made = planning.plan(folder, window=32, batch=4)
    first, again, other = (np.asarray(next(iter(made.windows(folder, seed)))[0]) for seed in (0, 0, 1))
    assert (first == again).all() and not (first == other).all()


def pair_reader(target, weight=None):
    """A function that reads one image whose values are its pixels' numbers."""
    image = np.arange(target.size, dtype=np.float32).reshape(*target.shape, 1)
    return lambda k: (image, target, np.ones_like(target) if weight is None else weight)


def drawn(count=400, **options):
    """Windows of one image without batches."""
    data = pipeline.windows(count=1, channels=1, batch_size=1, **options)
    return [[np.asarray(part)[0, ..., 0] for part in window] for window in data.take(count)]


def test_a_third_of_the_windows_has_foreground_in_its_middle_all_classes_alike():
    target = np.zeros((400, 400), np.uint8)
    target[10, 380] = 1
    target[200:260, 100:160] = 2
    middles = np.array([window[1][8, 8] for window in drawn(1200, read=pair_reader(target), size=16, flips="none")])
    assert np.mean(middles == 1) == pytest.approx(1 / 6, abs=0.04)
    assert np.mean(middles == 2) == pytest.approx(1 / 6 + 2 / 3 * 0.0225, abs=0.04)
    still = drawn(300, read=pair_reader(target), size=16, flips="none", foreground=0)
    assert max(window[1].max() for window in still) == 2 and np.mean([w[1][8, 8] == 1 for w in still]) < 0.02


def test_windows_lie_everywhere_and_are_mirrored_over_the_sides():
    target = np.zeros((40, 60), np.uint8)
    windows = [window[0].astype(int) for window in drawn(600, read=pair_reader(target), size=16, flips="none")]
    assert set(np.unique(windows)) == set(range(2400))
    whole = np.pad(np.arange(2400).reshape(40, 60), 16, mode="reflect")
    for window in windows[:40]:
        places = np.argwhere(whole[:-15, :-15] == window[0, 0])
        assert any((whole[r : r + 16, c : c + 16] == window).all() for r, c in places)
    small = drawn(3, read=pair_reader(np.zeros((5, 9), np.uint8)), size=16, flips="none")
    assert all(set(np.unique(window[0])) == set(range(45)) for window in small)


@pytest.mark.parametrize(("flips", "positions"), [("all", 8), ("mirror", 2), ("none", 1)])
def test_flips_show_images_in_as_many_positions(flips, positions):
    image, middle, rng = np.arange(64.0).reshape(8, 8, 1), np.zeros((8, 8), np.uint8), np.random.default_rng(0)
    middle[4, 4] = 1
    seen = {pipeline._window(image, middle, middle, 4, flips, 1, 0, rng)[0].tobytes() for _ in range(200)}
    assert len(seen) == positions and image[2:6, 2:6].astype(np.float32).tobytes() in seen


def test_many_windows_of_one_reading_where_the_images_do_not_fit_into_memory(tmp_path, monkeypatch):
    folder = folders.read(write(tmp_path, [disc(80, 20, seed=k) for k in range(6)]))
    made = planning.plan(folder, window=32, batch=8)
    read, reads = folders.Folder.__getitem__, []
    monkeypatch.setattr(folders.Folder, "__getitem__", lambda self, k: (reads.append(k), read(self, k))[1])
    list(made.windows(folder).take(20))
    assert sorted(set(reads)) == list(range(6)) and len(reads) < 12  # the cache holds them all
    monkeypatch.setattr(planning, "CACHE", 1)
    reads.clear()
    list(made.windows(folder).take(20))
    assert 12 < len(reads) < 40


# ---- The loss ----------------------------------------------------------------------------------------------------------


def test_the_loss_is_cross_entropy_plus_dice_and_counts_no_pixel_of_weight_0():
    rng = np.random.default_rng(0)
    truth, likely = (rng.random((2, 4, 4, 1)) > 0.6).astype("float32"), rng.random((2, 4, 4, 1)).astype("float32")
    weight = np.ones_like(truth)
    weight[:, 0] = 0
    plain, both = (float(losses.WeightedLoss(dice)(truth, likely, weight)) for dice in (False, True))
    known = weight > 0
    assert plain == pytest.approx(losses.binary_cross_entropy(truth, likely)[known].mean(), rel=1e-5)
    t, p = truth[known], likely[known]
    assert both - plain == pytest.approx(1 - (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1), rel=1e-4)
    likely[:, 0] = 0.5
    assert float(losses.WeightedLoss(True)(truth, likely, weight)) == pytest.approx(both, rel=1e-6)


def test_the_loss_of_classes_is_that_of_keras_plus_dice_of_each_class_but_the_background():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (2, 4, 4, 1)).astype("float32")
    likely = rng.dirichlet(np.ones(3), (2, 4, 4)).astype("float32")
    plain, both = (float(losses.WeightedLoss(dice)(truth, likely)) for dice in (False, True))
    assert plain == pytest.approx(float(keras.losses.SparseCategoricalCrossentropy()(truth, likely)), rel=1e-5)
    hot = [(truth[..., 0] == k, likely[..., k]) for k in (1, 2)]
    dice = [1 - (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1) for t, p in hot]
    assert both - plain == pytest.approx(np.mean(dice), rel=1e-4)


# ---- Train, predict, keep ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A plan, its network and its history, after half a minute's worth of easy discs."""
    path = write(tmp_path_factory.mktemp("discs"), [disc(70 + 10 * k, 12 + k, seed=k) for k in range(5)])
    train, validation = folders.read(path).split()
    made = planning.plan(train, window=32, depth=1, base=4, steps=60, epochs=3)
    return made, *made.train(train, validation, seed=1), validation


def test_training_learns_and_keeps_the_best_epoch(trained):
    made, model, history, validation = trained
    assert len(history["loss"]) == 3 and history["loss"][-1] < history["loss"][0] / 2
    assert {"iou", "val_iou", "val_loss", "seconds"} <= set(history)
    data = made.windows(validation, seed=1, still=True).take(4)
    measured = model.evaluate(data, verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-3)
    pair = validation[0]
    answer = made.result(made.predict(model, pair.image))
    assert answer.dtype == np.int32 and (answer == pair.target).mean() > 0.97


def fake_model():
    """What a callback sees of a network."""
    return types.SimpleNamespace(optimizer=types.SimpleNamespace(learning_rate=0.0), stop_training=False)


def paced(monkeypatch, steps, limit, seconds_a_step, loss=1.0):
    """The learning rate of each step until training stops."""
    clock, rates = [0.0], []
    monkeypatch.setattr(training.time, "perf_counter", lambda: clock[0])
    pace = training.Pace(steps, limit)
    pace.set_model(fake_model())
    pace.on_train_begin()
    while not pace.model.stop_training and len(rates) < steps:
        pace.on_train_batch_begin(0)
        rates.append(pace.model.optimizer.learning_rate)
        clock[0] += seconds_a_step
        pace.on_train_batch_end(0, {"loss": loss})
    return np.array(rates), clock[0]


def test_the_learning_rate_falls_with_the_steps_and_where_they_are_slow_with_the_clock(monkeypatch):
    rate = training.learning_rate(200)
    rates, _ = paced(monkeypatch, 200, 100, 0.1)
    np.testing.assert_allclose(rates, [float(rate(k)) for k in range(200)], rtol=1e-5)
    rates, seconds = paced(monkeypatch, 200, 100, 1.0)
    assert 100 <= seconds <= 102 and len(rates) <= 102
    assert rates.max() > 0.009 and rates[-1] == pytest.approx(1e-4, rel=0.05)
    assert rates[60] == pytest.approx(float(rate(120)), rel=1e-5)  # at .6 of the time


def test_training_stops_where_the_loss_is_nan_and_says_so(monkeypatch, capsys):
    assert len(paced(monkeypatch, 200, 100, 0.1, np.nan)[0]) == 1
    assert "NaN in epoch 1" in capsys.readouterr().out


@pytest.mark.parametrize("shape", [(96, 96), (70, 130), (33, 20)])
def test_tiles_join_to_the_whole(trained, monkeypatch, shape):
    keras.utils.set_random_seed(0)  # a network that is sure of nothing shows every pixel that it sees
    made = trained[0]
    model = made.build()
    image = np.random.default_rng(0).random((*shape, 1)).astype("float32")
    whole = made.predict(model, image)
    monkeypatch.setattr(planning, "TILE", 16)
    tiles = made.predict(model, image)
    assert whole.shape == (*shape, 1) and whole.dtype == np.float32
    np.testing.assert_allclose(tiles, whole, atol=2e-6)
    if shape == (96, 96):
        far = planning.reach(made.depth)
        direct = np.asarray(model(image[None]))[0]
        np.testing.assert_allclose(whole[far:-far, far:-far], direct[far:-far, far:-far], atol=1e-5)


def test_reach_is_how_far_the_outer_pixels_of_a_tile_see_beyond_it():
    network = unet.build_unet((64, 64, 1), depth=2, base=2, norm="none")
    rng = np.random.default_rng(0)
    network.set_weights([rng.random(w.shape) for w in network.get_weights()])
    black = np.zeros((1, 64, 64, 1), "float32")
    lit = np.zeros((64, 64, 64, 1), "float32")
    lit[np.arange(64), np.arange(64), 32] = 1
    features = keras.Model(network.input, network.layers[-2].output)
    difference = np.abs(features(lit) - features(black)).max(axis=(2, 3))
    up, down = (np.flatnonzero(difference[:, row]) for row in (32, 31))  # a tile may end between these two
    assert planning.reach(2) - 4 < max(32 - up[0], down[-1] - 31) <= planning.reach(2)


def test_memory_does_not_grow_and_no_graph_is_made_again_for_windows_of_one_size(trained):
    made, model, *_ = trained
    image = np.zeros((64, 64, 1), np.float32)
    made.predict(model, image)
    call = planning._call(model)
    traces = call.experimental_get_tracing_count()
    for side in (64, 60, 50):
        made.predict(model, image[:side])
    assert planning._call(model) is call and call.experimental_get_tracing_count() == traces


def test_a_reduced_image_comes_back_at_its_place_and_size(tmp_path):
    made = dataclasses.replace(planned(tmp_path, [disc(512, 120)] * 2), depth=1)
    assert made.scale == 0.25
    image, mask = disc(500, 100)
    out = made.predict(lambda batch: batch, (image / 255).astype(np.float32)[..., None])
    assert out.shape == (500, 500, 1)
    found = out[..., 0] > 110 / 255
    assert ndimage.center_of_mass(found) == pytest.approx(ndimage.center_of_mass(mask > 0), abs=0.3)
    assert (found == (mask > 0)).mean() > 0.99


def test_masks_are_reduced_by_nearest_neighbours_and_the_void_with_them(tmp_path):
    image, mask = disc(512, 120, value=1)
    mask[:100] = 7
    weight = (mask != 7).astype(np.float32)
    made = dataclasses.replace(planned(tmp_path, [disc(512, 120)] * 2), scale=0.25)
    small, target, known = made._scaled(folders.Pair("", np.float32(image / 255)[..., None], mask, weight))
    assert small.shape == (128, 128, 1) and target.dtype == known.dtype == np.uint8
    assert (target == mask[2::4, 2::4]).all() and (known == weight[2::4, 2::4]).all()
    np.testing.assert_allclose(small[..., 0], image.reshape(128, 4, 128, 4).mean((1, 3)) / 255, atol=1e-3)


def test_results_of_each_kind(tmp_path):
    mask = planned(tmp_path / "mask", [disc(64, 9)] * 2)
    likely = np.array([[[0.4], [0.6]]], np.float32)
    assert mask.smallest == 126  # half of the disc's 253 pixels
    large = np.zeros((40, 40, 1), np.float32)
    large[:12, :12], large[20:31, 20:31] = 0.9, 0.9
    assert mask.result(large).sum() == 144 and planned(tmp_path / "lines", [stripes(256, 64, 4)] * 2).smallest == 0
    mask = dataclasses.replace(mask, smallest=0)
    assert mask.result(likely).tolist() == [[0, 1]] and mask.result(likely, 0.3).tolist() == [[1, 1]]
    classes = dataclasses.replace(mask, kind="classes", classes=3)
    assert classes.result(np.eye(3, dtype=np.float32)[None]).tolist() == [[0, 1, 2]]
    made = planned(tmp_path / "objects", [grid(240, 24, 12)] * 2, "objects")
    labels = grid(240, 24, 12)[1]
    perfect = np.eye(3, dtype=np.float32)[objects.border_classes(labels)]
    for markers in ("distance", "border"):
        found = dataclasses.replace(made, markers=markers).result(perfect)
        assert found.dtype == np.int32 and found.max() == 100 and objects.average_precision(labels, found, 0.5) == 1
    perfect[3:5, 0:2] = [0, 1, 0]  # a speck
    assert made.result(perfect).max() == 100 and dataclasses.replace(made, smallest=0).result(perfect).max() > 100
    assert dataclasses.replace(made, markers="parts").result(perfect).max() < 100


def test_a_plan_comes_back_from_its_file(tmp_path):
    made = planned(tmp_path / "images", [disc(64, 9)] * 2)
    path = made.save(tmp_path / "my_unet.json")
    assert planning.load(tmp_path / "my_unet.keras") == made
    assert json.loads(path.read_text())["window"] == made.window


@pytest.mark.parametrize(
    ("channels", "array", "expected"),
    [
        (1, np.array([[0, 255]], np.uint8), [[[0], [1]]]),
        (3, np.array([[0, 51]], np.uint8), [[[0] * 3, [0.2] * 3]]),
        (1, np.array([[[0, 30, 60]]], np.uint8), [[[30 / 255]]]),
        (1, np.array([[0.0, 0.5]]), [[[0], [0.5]]]),
        (1, np.array([[0, 4095]], np.uint16), [[[0], [1]]]),
    ],
)
def test_arrays_are_brought_to_0_to_1_as_the_training_images_were(tmp_path, channels, array, expected):
    made = planned(tmp_path, [disc(64, 9, colour=channels == 3)] * 2)
    made = dataclasses.replace(made, ranges=made.ranges | {"uint16": [0, 4095]})
    image = made.image(array)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, expected, atol=1e-6)
    assert made.ranges["uint8"] == [0, 255]
