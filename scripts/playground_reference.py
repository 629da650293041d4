"""Write what Keras and NumPy say, for the Playground's tests: ``python -m scripts.playground_reference``.

The tests of ``docs/playground/tests`` compare the network, its gradients, its training and the generator in TypeScript with
these numbers. Everything lies in one file, ``fixtures/reference.bin``, and ``fixtures/reference.json`` says what lies where.
"""

from __future__ import annotations

import hashlib
import json

from utils import project

project.start()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from scripts import playground_weights  # noqa: E402
from utils import inspect_model, losses, receptive_field, shapes, training, unet, weights  # noqa: E402

FOLDER = project.ROOT / "docs" / "playground" / "tests" / "fixtures"
IMAGES = 20
SAMPLES = 256
PIXELS = ((31, 17), (0, 0), (40, 63), (12, 33))
LOSSES = {"bce": "binary_crossentropy", "dice": losses.soft_dice_loss, "bce+dice": losses.bce_dice_loss}
CASES = {
    "batch": ({"depth": 2, "base": 4, "norm": "batch"}, "bce", 1e-2),
    "none": ({"depth": 1, "base": 4, "norm": "none"}, "bce+dice", 2e-3),
    "group": ({"depth": 2, "base": 4, "norm": "group", "skips": [2]}, "dice", 1e-3),
    "default": ({"depth": 3, "base": 4, "norm": "batch"}, "bce", 1e-2),
}
SIDE, BATCH, STEPS = 32, 4, 10
"""Of the images that the cases are trained on, to keep the file small."""


class Store:
    """Arrays under names, in one run of bytes."""

    def __init__(self):
        self.bytes, self.index = bytearray(), {}

    def add(self, key, array, dtype="<f4"):
        values = np.ascontiguousarray(np.asarray(array), dtype)
        self.bytes += b"\0" * (-len(self.bytes) % 8)
        self.index[key] = {"type": dtype[1:], "shape": list(values.shape), "offset": len(self.bytes)}
        self.bytes += values.tobytes()


def sampled(values) -> np.ndarray:
    """Some values of each image's array, the same places for all: float32 ``(N, SAMPLES)``, or all if there are fewer."""
    flat = values.reshape(len(values), -1)
    return flat[:, (np.arange(min(SAMPLES, flat.shape[1])) * 7919) % flat.shape[1]]


def prediction(store) -> None:
    """The shipped network: every block's output for 20 images, zeroed and averaged skips, a gradient, receptive fields."""
    model = weights.load_shipped()
    images = shapes.draw(IMAGES, split="test").images
    names = [block.name for block in inspect_model.blocks(model)][1:]
    layers = {name: "head" if name == "head" else f"{name}_relu2" for name in names}
    maps = inspect_model.feature_maps(model, images, list(layers.values()))
    store.add("images", np.rint(images * 255), "|u1")
    for name, layer in layers.items():
        store.add(f"maps/{name}", sampled(maps[layer]))
    store.add("output", maps["head"][:4])
    skipped = {level: maps[f"enc{level}_relu2"].mean(axis=(0, 1, 2)) for level in (1, 2)}
    store.add("means/1", skipped[1])
    store.add("means/2", skipped[2])
    store.add("zero/1", inspect_model.without_skip(model, 1)(images[:1]))
    store.add("mean/12", inspect_model.without_skip(model, 1, 2, means=skipped)(images[:1]))
    store.add("gradient", receptive_field.by_gradient(model, images[:1], PIXELS[0]))


def fields() -> list[dict]:
    """The receptive fields of blocks and of the output, for every depth the page offers."""
    found = []
    for depth in (1, 2, 3, 4):
        for skips in (None, [1]):
            model = unet.build_unet(depth=depth, base=2, skips=skips, norm="none")
            for pixel in PIXELS:
                box = receptive_field.theoretical(model, pixel)
                found.append({"depth": depth, "skips": skips, "pixel": pixel, "box": list(box)})
    return found


def case(store, name, network, loss, peak) -> dict:
    """One network: its first weights, the loss and gradients of one training step, the losses of ten."""
    keras.utils.set_random_seed(3)
    model = unet.build_unet((SIDE, SIDE, 3), upsampling="nearest", **network)
    drawn = shapes.draw(BATCH * STEPS, size=SIDE)
    images, masks = drawn.images, drawn.masks.astype(np.float32)
    for weight in model.weights:
        store.add(f"{name}/weights/{playground_weights.name(weight)}", weight)
    function = keras.losses.get(LOSSES[loss])
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(function(masks[:BATCH], model(images[:BATCH], training=True)))
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(value, [w.value for w in model.trainable_weights])
    ):
        store.add(f"{name}/gradients/{playground_weights.name(weight)}", gradient)

    keras.utils.set_random_seed(3)
    model = unet.build_unet((SIDE, SIDE, 3), upsampling="nearest", **network)
    schedule = training.learning_rate(30, peak)
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss=LOSSES[loss])
    values = []
    for start in range(0, BATCH * STEPS, BATCH):
        batch = slice(start, start + BATCH)
        values.append(float(model.train_on_batch(images[batch], masks[batch])))
        model.reset_metrics()
    store.add(f"{name}/after", model(images[:1], training=False))
    rates = [float(schedule(step)) for step in range(0, 36, 5)]
    return {"network": network, "loss": loss, "peak": peak, "first": float(value), "losses": values, "rates": rates}


def counts() -> list[dict]:
    """How many parameters Keras counts for some networks."""
    options = [
        {"depth": depth, "base": base, "norm": norm, "skips": skips}
        for depth, base in ((1, 16), (3, 4), (4, 8))
        for norm in unet.NORMS
        for skips in (None, [1], [])
    ]
    return [{**one, "parameters": unet.build_unet(**one).count_params()} for one in options]


def generator(store) -> dict:
    """Some images without noise with the numbers they come from, and the statistics of 1,000 images."""
    keys = [(0, 0, index) for index in range(12)]
    numbers = np.stack([np.random.default_rng([*key, 0]).random(128) for key in keys])
    plan = shapes.plan(len(keys))
    plan.noise[:] = 0
    painted = shapes.paint(plan)
    store.add("numbers", numbers, "<f8")
    store.add("painted/images", np.rint(painted.images * 255), "|u1")
    store.add("painted/styles", painted.styles, "|u1")
    many = shapes.draw(1000)
    values = {
        "silhouette": many.masks.mean(axis=(1, 2, 3)),
        "filled": (many.styles == 1).mean(axis=(1, 2)),
        "outlined": (many.styles == 2).mean(axis=(1, 2)),
        "brightness": many.images.mean(axis=(1, 2, 3)),
        "spread": many.images.std(axis=(1, 2, 3)),
        "shapes": shapes.plan(1000).present.sum(axis=1),
    }
    return {key: {"mean": float(value.mean()), "deviation": float(value.std())} for key, value in values.items()}


def main():
    """Write the fixtures."""
    store = Store()
    prediction(store)
    cases = {name: case(store, name, *settings) for name, settings in CASES.items()}
    drawn = shapes.draw(BATCH * STEPS, size=SIDE)
    store.add("batches/images", np.rint(drawn.images * 255), "|u1")
    store.add("batches/masks", drawn.masks, "|u1")
    rest = {"fields": fields(), "counts": counts(), "statistics": generator(store), "cases": cases}
    described = {"made_by": "python -m scripts.playground_reference", "versions": {"keras": keras.__version__}}
    described["sha256"] = hashlib.sha256(store.bytes).hexdigest()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "reference.bin").write_bytes(store.bytes)
    text = json.dumps({**described, "pixels": PIXELS, **rest, "arrays": store.index})
    (FOLDER / "reference.json").write_text(text + "\n", encoding="utf-8")
    print(f"reference.bin: {len(store.bytes):,} bytes, {len(store.index)} arrays")


if __name__ == "__main__":
    main()
