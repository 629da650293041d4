# ruff: noqa: E402
"""How soon does our recipe reach the nearest peer's result on the peer's own task, and how fast is the peer's network here?"""

from __future__ import annotations

from utils import project

project.start()  # before TensorFlow is loaded: it sets what TensorFlow reads then

import dataclasses
import importlib
import importlib.util
import time
from statistics import median

import keras
import numpy as np
from keras import ops

from tests.benchmarks.bench import measure, peer_task
from tests.benchmarks.bench.measure import Table
from utils import training, unet

AIM_SECONDS = 120
LONG_SECONDS = 600
CLASSES = len(peer_task.NAMES)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How our network is trained on the peer's task.

    Attributes:
        block: side of the squares of pixels that are folded into channels before the network, and unfolded behind it.
        base, depth: channels at the top, and poolings, of the network between the two. With squares of 2 pixels and 2
            poolings an output depends on 88 pixels across; the largest shape measures 31.
        batch_size: pictures a step.
        peak: highest learning rate.
    """

    block: int = 2
    base: int = 16
    depth: int = 2
    batch_size: int = 4
    peak: float = 1e-2


OURS = Recipe()
STEPS = 600
"""Training steps of a run that aims at the peer's loss."""

TRAINING_SEED, VALIDATION_SEED = 0, 2
"""Seeds of the pictures. The recipe was chosen with validation pictures of seed 1, so another seed stands here."""

PEER_EPOCHS, PEER_BATCH = 40, 2
"""The peer trains with batches of 25; they need more memory than many a machine has, so the timing uses fewer."""


def tables(quick: bool) -> list[Table]:
    """All tables of this question."""
    data = peer_task.draw(peer_task.TRAINING, TRAINING_SEED)
    validation = peer_task.draw(peer_task.VALIDATION, VALIDATION_SEED)
    made = [the_task()]
    seeds = (0,) if quick else (0, 1, 2)
    models, runs = zip(*(train(data, validation, STEPS, seed, looks=0.2, every=40) for seed in seeds))
    made.append(until_reached(dict(zip(seeds, runs)), quick))
    if not quick:
        steps = int(0.94 * LONG_SECONDS / runs[0][-1].seconds * STEPS)
        made.append(longest(train(data, validation, steps, 0, every=250)[1], steps))
    made.append(per_image(models[0], data, rounds=2 if quick else 5))
    return made


def the_task() -> Table:
    """How much of a picture each class covers, from the description and as stated for the peer."""
    means, deviations = peer_task.shares()
    rows = [
        (name, stated, float(mean), float(deviation), f"{100 * (mean / stated - 1):+.1f} %")
        for name, stated, mean, deviation in zip(peer_task.NAMES, peer_task.STATED, means, deviations)
    ]
    largest = max(rows, key=lambda row: abs(row[2] / row[1] - 1))
    masks = peer_task.draw(peer_task.VALIDATION, VALIDATION_SEED)[1]
    empty = [float(loss(mask[None], np.full((1, *mask.shape), -16, np.float32))[0]) for mask in masks]
    return Table(
        "The task: pixels of each class, %",
        ("class", "stated", "mean from the description", "standard deviation of a picture", "difference"),
        rows,
        [
            "The mean is over all sizes that a shape can have; no shape is cut by the border. The largest difference is that "
            f"of the {largest[0]}, {largest[4]}. {few_pictures(means, deviations, peer_task.STATED)}",
            f"A mask of zeros has {100 - means.mean():.2f} % pixel accuracy and, on our validation pictures, a loss of "
            f"{np.mean(empty):.3f} (logits of -16); the loss to reach is {peer_task.LOSS_TO_REACH}.",
        ],
    )


def until_reached(runs, quick) -> Table:
    """When each run reached the peer's loss."""
    target = peer_task.LOSS_TO_REACH
    rows = []
    for seed, run in runs.items():
        at = reached(run, target)
        rows.append((seed, "not reached" if at is None else at.seconds, "" if at is None else at.images, run[-1].seconds,
                     run[-1].images, f"{lowest(run).loss:.5f}"))  # fmt: skip
    seconds = [row[1] for row in rows if row[1] != "not reached"]
    notes = [
        recipe_text(STEPS),
        "The loss may have been reached earlier: only the last fifth of the steps is looked at.",
    ]
    if len(seconds) == len(rows):
        verdict = "reached" if max(seconds) <= AIM_SECONDS else "not reached with every seed"
        notes.append(f"Seconds until the loss: {measure.spread(seconds)}. The aim is {AIM_SECONDS} s: {verdict}.")
    else:
        notes.append(
            f"The aim is {AIM_SECONDS} s: not reached, {len(rows) - len(seconds)} of {len(rows)} runs missed the loss."
        )
    if quick:
        notes.append("One seed; the full measurement has three.")
    headline = (
        f"On the task of the nearest peer, its validation loss of {target} was reached after {measure.spread(seconds)} s."
        if seconds
        else f"On the task of the nearest peer, its validation loss of {target} was not reached."
    )
    return Table(
        f"Our recipe on the peer's task, until a validation loss of {target}",
        ("seed", "seconds until then", "images until then", "seconds in all", "images in all", "lowest loss"),
        rows,
        notes,
        headline,
    )


def longest(run, steps) -> Table:
    """The lowest loss within the time of a long run."""
    inside = [moment for moment in run if moment.seconds <= LONG_SECONDS]
    moments = [inside[i] for i in sorted({len(inside) * k // 6 for k in range(1, 6)} | {len(inside) - 1})]
    best = lowest(inside)
    return Table(
        f"Our recipe within {LONG_SECONDS} s, seed 0",
        ("seconds", "images", "validation loss"),
        [(moment.seconds, moment.images, f"{moment.loss:.4f}") for moment in moments],
        [
            recipe_text(steps),
            f"The lowest loss is {best.loss:.4f}, {best.loss / peer_task.LOSS_TO_REACH:.2f} times the peer's "
            f"{peer_task.LOSS_TO_REACH} and {best.loss / 0.016171:.2f} times the .016171 of its variant with a ResNet-18.",
        ],
    )


def per_image(model, data, rounds) -> Table:
    """What an image costs in training: our network and the peer's, in turn."""
    images, masks = data
    inputs = images[: OURS.batch_size].astype(np.float32)
    targets = folded(masks[: OURS.batch_size], OURS.block).astype(np.float32)

    def ours():
        for _ in range(4):
            model.train_on_batch(inputs, targets)

    framework, theirs = peer_step(images[:PEER_BATCH], masks[:PEER_BATCH])
    seconds = measure.in_turn({"ours": ours, "theirs": theirs}, rounds)
    each = {
        "ours": [s / (4 * OURS.batch_size) for s in seconds["ours"]],
        "theirs": [s / PEER_BATCH for s in seconds["theirs"]],
    }
    times = measure.spread(measure.ratios(each["theirs"], each["ours"]))
    hours = PEER_EPOCHS * peer_task.TRAINING * median(each["theirs"]) / 3600
    return Table(
        "A training step, seconds an image, in turn",
        ("network", "parameters", "framework", "batch", "seconds an image", "ratio"),
        [
            ("ours", model.count_params(), "Keras, XLA", OURS.batch_size, measure.spread(each["ours"]), ""),
            (
                "the peer's", peer_network().count_params(), framework, PEER_BATCH, measure.spread(each["theirs"]), times,
            ),
        ],
        [
            f"The peer's {PEER_EPOCHS} epochs of {peer_task.TRAINING:,} images would take {hours:.0f} hours on this machine. "
            f"That is an extrapolation from {rounds} steps of {PEER_BATCH} images; the peer's batches hold 25."
        ],
        f"An image of that peer's own network takes {times} times as long in training as one of ours.",
    )  # fmt: skip


# ---- The score ---------------------------------------------------------------------------------------------------------


def loss(masks, logits):
    """Half binary cross-entropy, half soft Dice loss; smooth 1, per image and class, then the mean over classes.

    Args:
        masks: 0 and 1, ``(N, H, W, classes)``, or folded, see :func:`fold`; the loss is the same.
        logits: the network's output before the sigmoid, of the same shape.

    Returns:
        The loss of every image, ``(N,)``.
    """

    def per_class(x):
        return ops.sum(ops.reshape(ops.sum(x, axis=(1, 2)), (-1, x.shape[-1] // CLASSES, CLASSES)), axis=1)

    masks = ops.cast(masks, logits.dtype)
    crossentropy = ops.mean(ops.softplus(logits) - masks * logits, axis=(1, 2, 3))
    probability = ops.sigmoid(logits)
    dice = (2 * per_class(masks * probability) + 1) / (per_class(masks) + per_class(probability) + 1)
    return crossentropy / 2 + (1 - ops.mean(dice, axis=-1)) / 2


def validation_loss(model, images, masks, batch_size=20):
    """Mean loss of a network that returns logits, over many pictures given as uint8."""
    total = 0.0
    for first in range(0, len(images), batch_size):
        part = slice(first, first + batch_size)
        logits = model(images[part].astype(np.float32), training=False)
        total += float(ops.sum(loss(masks[part], logits)))
    return total / len(images)


# ---- Our network and its training --------------------------------------------------------------------------------------


def build(recipe) -> keras.Model:
    """A U-Net on folded pictures: squares of pixels become channels. Its logits are folded too; :func:`unfold` undoes it.

    The head sees the features and, beside them, the picture's own pixels: a pixel of a shape is mostly a white one.
    """
    block, side = recipe.block, peer_task.SIDE
    core = unet.build_unet(
        (side // block, side // block, block**2),
        depth=recipe.depth, base=recipe.base, activation="logits",
    )  # fmt: skip
    features = keras.Model(core.inputs, core.get_layer("head").input)
    image = keras.Input((side, side, 1), name="image")
    pixels = fold(image, block)
    seen = keras.layers.Concatenate(name="with_pixels")([features(pixels), pixels])
    start = keras.initializers.Constant(-4.0)  # most pixels are ground
    logits = keras.layers.Conv2D(CLASSES * block**2, 1, bias_initializer=start, name="classes")(seen)
    return keras.Model(image, logits, name="folded_unet")


def fold(x, block):
    """Squares of pixels as channels: ``(N, H, W, C)`` to ``(N, H / block, W / block, block * block * C)``."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // block, block, width // block, block, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height // block, width // block, block**2 * channels))


def unfold(x, block):
    """The inverse of :func:`fold`."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, block, block, channels // block**2))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height * block, width * block, channels // block**2))


def folded(masks, block):
    """Masks as the folded network's logits are arranged, a few at a time."""
    return np.concatenate([np.asarray(fold(masks[i : i + 50], block)) for i in range(0, len(masks), 50)])


@dataclasses.dataclass(frozen=True)
class Moment:
    """The state of a training: seconds and images so far, and the validation loss."""

    seconds: float
    images: int
    loss: float


def train(data, validation, steps, seed, *, recipe=OURS, looks=0.5, every=50):
    """Train a new network, and look at the validation loss in the last part of the steps.

    Args:
        data, validation: pairs of images and masks, uint8.
        steps: training steps in all.
        seed: of the initial weights and the order of the images.
        recipe: network, batch and learning rate.
        looks: the part of the steps at the end in which the validation loss is looked at.
        every: steps between two looks.

    Returns:
        tuple: the network and a list of Moment; the seconds count folding the masks, building, compiling and training,
        not the looks.
    """
    keras.utils.set_random_seed(seed)
    validation = validation[0], folded(validation[1], recipe.block)
    spent, start, moments = 0.0, time.perf_counter(), []
    images, masks = data[0], folded(data[1], recipe.block)
    order = epochs(len(images), steps * recipe.batch_size, seed)
    model = build(recipe)
    training.compile_model(model, steps, peak=recipe.peak, loss=loss)
    for step in range(1, steps + 1):
        batch = order[(step - 1) * recipe.batch_size : step * recipe.batch_size]
        model.train_on_batch(images[batch].astype(np.float32), masks[batch].astype(np.float32))
        if step == steps or (step % every == 0 and step > steps * (1 - looks)):
            spent += time.perf_counter() - start
            value = validation_loss(model, *validation)
            moments.append(Moment(spent, step * recipe.batch_size, value))
            print(f"seed {seed}  step {step:5d}  {spent:6.1f} s  validation loss {value:.5f}", flush=True)
            start = time.perf_counter()
    return model, moments


def epochs(count, wanted, seed):
    """Numbers of images, in another random order for every pass through them."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(count) for _ in range(-(-wanted // count))])[:wanted]


def reached(run, target):
    """The first moment whose loss is that low, or None."""
    return next((moment for moment in run if moment.loss <= target), None)


def lowest(run):
    """The moment with the lowest loss."""
    return min(run, key=lambda moment: moment.loss)


def recipe_text(steps) -> str:
    """Our recipe in a sentence."""
    return (
        f"Squares of {OURS.block} x {OURS.block} pixels folded into channels, a U-Net with {OURS.depth} poolings, {OURS.base} "
        f"channels at the top and batch normalisation, {build(OURS).count_params():,} parameters; Adam, {steps:,} steps of "
        f"{OURS.batch_size} images, highest learning rate {OURS.peak:g}, cosine decay. {peer_task.TRAINING:,} training and "
        f"{peer_task.VALIDATION} validation pictures. The seconds count folding the masks, "
        "building, compiling and training, not the looks at the validation pictures."
    )


def few_pictures(means, deviations, stated) -> str:
    """In how small a sample chance makes means differ from stated ones as much as here."""
    # With n pictures the squares of the differences, each divided by its variance, sum up to about the number of classes.
    n = len(stated) / float((((np.asarray(stated) - means) / deviations) ** 2).sum())
    return f"Together the differences are as large as chance makes them in a sample of about {n:.0f} pictures."


# ---- The peer's network ------------------------------------------------------------------------------------------------


def peer_network(side=peer_task.SIDE, channels=(64, 128, 256, 512)) -> keras.Model:
    """The peer's network in Keras: two 3x3 convolutions with bias and ReLU a block, bilinear upsampling, logits.

    It takes three channels, which all hold the same picture.
    """

    def block(x, filters):
        for _ in range(2):
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return x

    *upper, bottom = channels
    x = inputs = keras.Input((side, side, 3))
    carried = []
    for filters in upper:
        carried.append(block(x, filters))
        x = keras.layers.MaxPooling2D(2)(carried[-1])
    x = block(x, bottom)
    for filters, skip in zip(reversed(upper), reversed(carried)):
        x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = block(keras.layers.Concatenate()([x, skip]), filters)
    return keras.Model(inputs, keras.layers.Conv2D(len(peer_task.NAMES), 1)(x), name="peer")


def peer_step(images, masks):
    """The name of the framework, and a function that trains the peer's network by one step on these pictures."""
    if importlib.util.find_spec("torch"):
        return "PyTorch", peer_step_in_torch(images, masks)
    model = peer_network()
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss=loss)
    inputs, targets = np.repeat(images, 3, axis=-1).astype(np.float32), masks.astype(np.float32)
    return "Keras", lambda: model.train_on_batch(inputs, targets)


def peer_step_in_torch(images, masks):
    """One training step of the peer's network in PyTorch, which is not among the project's requirements."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(measure.cores())
    network = torch_network(torch)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    inputs = torch.from_numpy(np.repeat(images, 3, axis=-1).transpose(0, 3, 1, 2).astype(np.float32))
    targets = torch.from_numpy(masks.transpose(0, 3, 1, 2).astype(np.float32))

    def step():
        logits = network(inputs)
        crossentropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        probability = torch.sigmoid(logits)
        either = probability.sum((2, 3)) + targets.sum((2, 3))
        dice = (2 * (probability * targets).sum((2, 3)) + 1) / (either + 1)
        optimiser.zero_grad()
        (crossentropy / 2 + (1 - dice.mean()) / 2).backward()
        optimiser.step()

    return step


def torch_network(torch, channels=(64, 128, 256, 512)):
    """The network of :func:`peer_network` in PyTorch."""
    nn = torch.nn

    def block(incoming, outgoing):
        first, second = nn.Conv2d(incoming, outgoing, 3, padding=1), nn.Conv2d(outgoing, outgoing, 3, padding=1)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.ModuleList(block(a, b) for a, b in zip((3, *channels), channels))
            self.up = nn.ModuleList(block(a + b, b) for a, b in zip(channels[:0:-1], channels[-2::-1]))
            self.head = nn.Conv2d(channels[0], CLASSES, 1)

        def forward(self, x):
            carried = []
            for level in self.down[:-1]:
                carried.append(level(x))
                x = nn.functional.max_pool2d(carried[-1], 2)
            x = self.down[-1](x)
            for level in self.up:
                x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
                x = level(torch.cat([x, carried.pop()], 1))
            return self.head(x)

    return Network()
