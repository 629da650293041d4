"""The recipe: its schedule, its history, resuming, and scores by style."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from utils import pipeline, project, shapes, training, unet, weights

TINY = training.Recipe(network={"input_shape": (16, 16, 3), "depth": 1, "base": 4}, images=24, validation=8, epochs=3)


@pytest.fixture
def parts():
    images, held_out = shapes.draw(24, size=16), shapes.draw(8, size=16, split="validation")
    keras.utils.set_random_seed(0)
    model = unet.build_unet(**TINY.network)
    training.compile_model(model, TINY.steps)
    data = pipeline.dataset(images.images, images.masks, batch_size=8, shuffle=True, augment=True)
    return model, data, (held_out.images, held_out.masks)


def test_the_learning_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    schedule = training.learning_rate(1000, peak=0.01)
    rate = [float(schedule(step)) for step in range(1001)]
    assert rate[0] == pytest.approx(0.001) and max(rate) == pytest.approx(0.01) and np.argmax(rate) == 100
    assert rate[-1] == pytest.approx(0.0001, rel=0.01)
    assert all(np.diff(rate[:101]) > 0) and all(np.diff(rate[101:]) <= 1e-9)


def test_training_writes_a_line_and_an_entry_an_epoch(parts, capsys):
    model, data, held_out = parts
    history = training.train(model, data, held_out, 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(history) == 2 and lines[0].startswith("epoch  1/2") and "validation IoU" in lines[1]
    assert history.images == [24, 48]
    assert 0 < history.seconds[0] < history.seconds[1]
    probability = training.predict(model, held_out[0])
    expected = float(keras.losses.BinaryCrossentropy()(held_out[1].astype("float32"), probability))
    assert history.val_loss[-1] == pytest.approx(expected, rel=1e-3)


def test_a_saved_run_goes_on_where_it_stopped(parts, tmp_path, capsys):
    model, data, held_out = parts
    history = training.train(model, data, held_out, 1)
    loaded = weights.load(weights.save(model, tmp_path / "run.keras"))
    assert int(loaded.optimizer.iterations) == 3
    history = training.train(loaded, data, held_out, 2, history=history)
    assert history.images == [24, 48, 72] and len(history) == 3
    assert capsys.readouterr().out.splitlines()[1].startswith("epoch  2/3")
    assert int(loaded.optimizer.iterations) == 9


def test_training_stops_after_the_epoch_that_passes_the_limit(parts, capsys):
    model, data, held_out = parts
    assert len(training.train(model, data, held_out, 50, seconds=0.01)) == 1


def test_only_the_first_step_of_a_training_gives_its_freed_memory_back(parts, monkeypatch, capsys):
    model, data, held_out = parts
    happened = []
    monkeypatch.setattr(project, "keep_freed_memory", lambda at_most, **_: happened.append(at_most))

    class Steps(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            happened.append("step")

    training.train(model, data, held_out, 2, callbacks=[Steps()])
    little, more = 4_000_000, training._KEPT["at_most"]
    assert happened == [little, "step", more, *["step"] * 5, little] and more > little


def test_a_pipeline_of_the_readers_own_is_not_tuned_while_it_runs(parts, monkeypatch):
    model, _, held_out = parts
    seen = []
    monkeypatch.setattr(model, "fit", lambda data, **_: seen.append(data.options().autotune.enabled))
    mine = tf.data.Dataset.from_tensor_slices((held_out[0], held_out[1])).batch(4, drop_remainder=True)
    training.train(model, mine, held_out, 1)
    assert seen == [False] and mine.options().autotune.enabled is not False


def test_an_interrupted_run_keeps_what_it_has(parts, capsys):
    model, data, held_out = parts

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    assert len(training.train(model, data, held_out, 3, callbacks=[Interrupt()])) == 1
    assert "Interrupted: 1 complete epochs" in capsys.readouterr().out


def test_what_cannot_be_trained_is_refused(parts):
    model, data, held_out = parts
    with pytest.raises(ValueError, match="epochs is 0"):
        training.train(model, data, held_out, 0)
    with pytest.raises(ValueError, match="no complete batch"):
        training.train(model, data.take(0), held_out, 1)
    with pytest.raises(ValueError, match="finite batches"):
        training.train(model, data.repeat(), held_out, 1)
    with pytest.raises(ValueError, match="compile_model"):
        training.train(unet.build_unet(**TINY.network), data, held_out, 1)
    with pytest.raises(ValueError, match="steps is 0"):
        training.compile_model(model, 0)


def test_scores_tell_the_styles_apart():
    samples = shapes.draw(12, size=16)

    class OnlyFilled:
        def __call__(self, images, training=False):
            at = [int(np.flatnonzero((samples.images == i).all(axis=(1, 2, 3)))[0]) for i in images]
            return (samples.styles[at] == 1).astype(np.float32)[..., None]

    found = training.score(OnlyFilled(), samples)
    assert found["filled"] == 1 and found["outlined"] == 0
    assert found["iou"] == pytest.approx((samples.styles == 1).sum() / (samples.styles > 0).sum())


def test_predictions_come_in_order_and_do_not_depend_on_the_batch(parts):
    model, _, (images, _) = parts
    assert training.predict(model, images, 3) == pytest.approx(training.predict(model, images, 8), abs=1e-5)


def alone(model, images):
    """What the network says of each image, called by itself, without a graph."""
    return np.concatenate([np.asarray(model(image[None], training=False)) for image in images])


def test_many_batches_give_what_the_network_says_and_follow_its_weights(parts):
    model, data, (images, _) = parts
    first = training.predict(model, images, 1)
    assert model._inference.experimental_get_tracing_count() == 1
    assert first == pytest.approx(alone(model, images), abs=1e-6)
    model.fit(data, verbose=0)
    second = training.predict(model, images, 1)
    assert second == pytest.approx(alone(model, images), abs=1e-6)
    assert np.abs(second - first).max() > 0.01
    assert training.predict(model, images.astype(np.float64), 1) == pytest.approx(second, abs=1e-6)
    assert model._inference.experimental_get_tracing_count() == 1


def test_a_network_that_predicted_many_batches_can_be_freed(parts):
    _, _, (images, _) = parts
    model = unet.build_unet(**TINY.network)
    training.predict(model, images, 1)
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


def test_whatever_can_be_called_predicts_many_batches(parts):
    _, _, (images, _) = parts

    class Brightness(keras.Model):
        def call(self, batch, training=None):
            return keras.ops.mean(batch, axis=-1, keepdims=True)

    for model in Brightness(), lambda batch, training: batch.mean(-1, keepdims=True):
        assert training.predict(model, images, 1) == pytest.approx(images.mean(-1, keepdims=True), abs=1e-6)


def test_follow_recipe_trains_as_the_recipe_says(capsys):
    recipe = training.Recipe(network={"depth": 1, "base": 2}, images=16, validation=4, epochs=2)
    model, history = training.follow_recipe(recipe, seed=3)
    assert history.images == [16, 32] and int(model.optimizer.iterations) == recipe.steps == 4
