"""The recipe: its schedule, its compile, its callbacks, and that a training can stop and go on."""

import types

import keras
import numpy as np
import pytest

from utils import pipeline, shapes, training, unet

pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
TINY = training.Recipe(network={"input_shape": (16, 16, 3), "depth": 1, "base": 4}, images=24, validation=8, epochs=3)


@pytest.fixture(scope="module")
def data():
    """Training and validation data of 16 x 16 pixels: 3 batches of 8, and 1."""
    drawn, held_out = shapes.draw(24, size=16), shapes.draw(8, size=16, split="validation")
    train = pipeline.dataset(drawn.images, drawn.masks, shuffle=True, augment=True)
    return train, pipeline.dataset(held_out.images, held_out.masks), held_out


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = unet.build_unet(**TINY.network)
    training.compile_model(model, TINY.steps)
    model.jit_compile = False  # compiling takes longer than these few steps
    return model


def fit(model, data, epochs, *, clock=None, **options):
    callbacks = [clock or training.Clock(), training.EpochLine(), *options.pop("callbacks", ())]
    return model.fit(data[0], validation_data=data[1], epochs=epochs, verbose=0, callbacks=callbacks, **options).history


def test_a_step_is_a_batch_in_every_repeat_of_every_epoch():
    assert training.DEEP.steps == 7 * 125 and training.ONE_LEVEL.steps == 8 * 125
    assert training.Recipe(network={}, images=17, batch_size=8, epochs=3, repeats=5).steps == 3 * 5 * 2


def test_the_learning_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    schedule = training.learning_rate(1000, peak=0.01)
    rate = np.array([float(schedule(step)) for step in range(0, 1001, 20)])
    assert rate[0] == pytest.approx(0.001) and rate.argmax() == 5 and rate.max() == pytest.approx(0.01)
    cosine = 0.5 * (1 + np.cos(np.pi * (np.arange(100, 1001, 20) - 100) / 900))
    assert rate[5:] == pytest.approx(0.01 * (0.01 + 0.99 * cosine), rel=1e-4)
    assert np.diff(rate[:6]) == pytest.approx(np.full(5, 0.0018), rel=1e-3)


def test_the_climb_is_a_tenth_of_a_short_training():
    schedule = training.learning_rate(200)
    rate = [float(schedule(step)) for step in range(200)]
    assert np.argmax(rate) == 20


def test_compiling_sets_adam_the_loss_xla_and_the_iou_of_the_foreground(data):
    model = unet.build_unet(**TINY.network)
    training.compile_model(model, 100, peak=2e-3, loss="binary_focal_crossentropy")
    assert isinstance(model.optimizer, keras.optimizers.Adam) and model.jit_compile is True
    assert float(model.optimizer.learning_rate) == pytest.approx(2e-4) and model.loss == "binary_focal_crossentropy"


def test_the_iou_of_many_classes_is_the_mean_over_the_foreground():
    model = unet.build_unet(**TINY.network | {"classes": 4})
    training.compile_model(model, 100, loss="sparse_categorical_crossentropy")
    model.jit_compile = False
    images = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    truth = np.random.default_rng(1).integers(0, 4, (2, 16, 16))
    found = model.evaluate(images, truth[..., None], verbose=0, return_dict=True)["iou"]
    predicted = np.argmax(model(images, training=False), axis=-1)
    each = [np.sum((truth == k) & (predicted == k)) / np.sum((truth == k) | (predicted == k)) for k in (1, 2, 3)]
    assert found == pytest.approx(np.mean(each), abs=1e-5)


def test_every_epoch_has_a_line_and_an_entry_and_the_metric_is_the_iou(model, data, capsys):
    history = fit(model, data, 2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert sorted(history) == ["iou", "loss", "seconds", "val_iou", "val_loss"]
    assert f"val_iou {history['val_iou'][1]:.3f}" in lines[1] and max(map(len, lines)) <= 74
    held_out = data[2]
    probability = model.predict(held_out.images, verbose=0)
    mask, truth = probability > 0.5, held_out.masks == 1
    assert history["val_iou"][-1] == pytest.approx(np.sum(mask & truth) / np.sum(mask | truth), abs=1e-5)
    entropy = -np.where(truth, np.log(probability), np.log(1 - probability)).mean()
    assert history["val_loss"][-1] == pytest.approx(entropy, rel=1e-3)


def test_the_clock_leaves_validation_out(model, data, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    class Passing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 1

        def on_test_batch_end(self, batch, logs=None):
            now[0] += 100

    assert fit(model, data, 2, callbacks=[Passing()])["seconds"] == [3, 6]
    assert fit(model, data, 1, clock=training.Clock(seconds=6.0), callbacks=[Passing()])["seconds"] == [9]


def test_training_stops_after_the_epoch_that_passes_the_limit(model, data):
    assert len(fit(model, data, 50, clock=training.Clock(limit=0.001))["loss"]) == 1


def test_an_interrupted_training_goes_on_where_it_stopped(model, data):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, data, 3, callbacks=[Interrupt()])
    done = model.history.history
    assert len(done["val_iou"]) == 1 and int(model.optimizer.iterations) == 3
    more = fit(model, data, 3, initial_epoch=1, clock=training.Clock(done["seconds"][-1]))
    assert len(more["loss"]) == 2 and int(model.optimizer.iterations) == TINY.steps
    assert done["seconds"][0] < more["seconds"][0] < more["seconds"][1]


def test_a_saved_training_goes_on_where_it_stopped(model, data, tmp_path, capsys):
    fit(model, data, 1)
    model.save(tmp_path / "run.keras")
    loaded = keras.saving.load_model(tmp_path / "run.keras")
    loaded.jit_compile = False
    expected, found = (fit(one, data, 2, initial_epoch=1) for one in (model, loaded))
    assert int(loaded.optimizer.iterations) == 6 and float(loaded.optimizer.learning_rate) == float(
        model.optimizer.learning_rate
    )
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("epoch 2/2")
        and len(found["loss"]) == len(expected["loss"]) == 1
    )


def test_follow_recipe_trains_as_the_recipe_says():
    recipe = training.Recipe(network={"depth": 1, "base": 2}, images=16, validation=8, epochs=2, repeats=3)
    model, history = training.follow_recipe(recipe, seed=3)
    assert len(history["val_iou"]) == 2 and int(model.optimizer.iterations) == recipe.steps == 12


def test_the_seed_decides_weights_and_batches(monkeypatch):
    def first_batch(model, data, **_):
        return types.SimpleNamespace(history=next(iter(data)))

    monkeypatch.setattr(keras.Model, "fit", first_batch)
    recipe = training.Recipe(network={"depth": 1, "base": 2}, images=16, validation=8)
    (model, batch), (same, again), (other, another) = (training.follow_recipe(recipe, seed) for seed in (3, 3, 4))
    assert np.array_equal(model.get_weights()[0], same.get_weights()[0]) and np.array_equal(batch[0], again[0])
    assert not np.array_equal(model.get_weights()[0], other.get_weights()[0])
    assert not np.array_equal(batch[0], another[0])
