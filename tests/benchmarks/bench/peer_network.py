"""The nearest peer's network and a training step of it, written from its description, in PyTorch or, without it, in Keras.

usage: python -m tests.benchmarks.bench.peer_network, a process that makes a training step for every line ``{"batch": N}`` of
its standard input. It keeps to its framework's own settings of memory.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time

import numpy as np

from tests.benchmarks.bench import measure, peer_task

CLASSES = len(peer_task.NAMES)
CHANNELS = (64, 128, 256, 512)
PICTURES = 25
"""As many as a batch of the peer's holds."""


def network(side=peer_task.SIDE, channels=CHANNELS):
    """The peer's network in Keras: two 3x3 convolutions with bias and ReLU a block, bilinear upsampling, logits.

    It takes three channels, which all hold the same picture.
    """
    import keras

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
    return keras.Model(inputs, keras.layers.Conv2D(CLASSES, 1)(x), name="peer")


def step(images, masks):
    """A function that trains the peer's network by one step on these pictures."""
    if importlib.util.find_spec("torch"):
        return step_in_torch(images, masks)
    import keras

    from tests.benchmarks.bench import peer

    model = network()
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss=peer.loss)
    inputs, targets = np.repeat(images, 3, axis=-1).astype(np.float32), masks.astype(np.float32)
    return lambda: model.train_on_batch(inputs, targets)


def step_in_torch(images, masks):
    """One training step of the peer's network in PyTorch, which is not among the project's requirements."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(measure.cores())
    model = torch_network(torch)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    inputs = torch.from_numpy(np.repeat(images, 3, axis=-1).transpose(0, 3, 1, 2).astype(np.float32))
    targets = torch.from_numpy(masks.transpose(0, 3, 1, 2).astype(np.float32))

    def one():
        logits = model(inputs)
        crossentropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        probability = torch.sigmoid(logits)
        either = probability.sum((2, 3)) + targets.sum((2, 3))
        dice = (2 * (probability * targets).sum((2, 3)) + 1) / (either + 1)
        optimiser.zero_grad()
        (crossentropy / 2 + (1 - dice.mean()) / 2).backward()
        optimiser.step()

    return one


def torch_network(torch, channels=CHANNELS):
    """The network of :func:`network` in PyTorch."""
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


def serve() -> None:
    """Make a training step for every line of standard input, and answer with its seconds; each batch size has its network."""
    made = {}
    images, masks = peer_task.draw(PICTURES)
    framework = "PyTorch" if importlib.util.find_spec("torch") else "Keras"
    print("@" + json.dumps({"framework": framework}), flush=True)
    for line in sys.stdin:
        batch = json.loads(line)["batch"]
        if batch not in made:
            made[batch] = step(images[:batch], masks[:batch])
        begin = time.perf_counter()
        made[batch]()
        print("@" + json.dumps({"seconds": time.perf_counter() - begin}), flush=True)


if __name__ == "__main__":
    serve()
