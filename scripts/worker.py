"""One worker of several that train a network together; notebook 13 starts them by ``utils.cluster``.

It trains on its shards of the images, adds up its gradients with those of the others after every batch, and prints a line of
JSON for each training step. Who the others are stands in the variable ``TF_CONFIG``, as on a cluster. A worker has one device:
on a machine with several cards, start one worker for each.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from utils import project

with project.quiet():
    import tensorflow as tf

import keras
import numpy as np

from utils import cluster, records

MEASURED = (1_000, 1_000_000)
"""Numbers in the arrays whose all-reduce is timed, of 4 bytes each."""


def train(strategy, files, folder, steps, batch, every, wait_at) -> None:
    """Train to a number of training steps from the last checkpoint, if there is one; print the loss of each."""
    worker, workers = strategy.cluster_resolver.task_id, strategy.num_replicas_in_sync
    with strategy.scope():
        model = cluster.network()
        optimizer = keras.optimizers.Adam(cluster.RATE)
        optimizer.build(model.trainable_variables)
    done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, done=done)
    manager = tf.train.CheckpointManager(checkpoint, str(Path(folder, "checkpoints")), max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)

    def step(images, masks):
        with tf.GradientTape() as tape:
            loss = cluster.loss(masks, model(images, training=True)) / workers  # its share of the mean over all
        optimizer.apply_gradients(  # adds up the gradients of all workers first
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        )
        return loss

    @tf.function
    def together(images, masks):
        shares = strategy.run(step, (images, masks))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None)

    mine = records.of_worker(files, worker, workers)
    data = records.dataset(mine, batch // workers, parallel=1).repeat().skip(int(done))
    for number, (images, masks) in enumerate(data.take(steps - int(done)), int(done) + 1):
        if number == wait_at:
            time.sleep(3600)
        start = time.perf_counter()
        loss = float(together(images, masks))
        say(step=number, loss=loss, seconds=time.perf_counter() - start)
        done.assign(number)
        if number % every == 0 and worker == 0:  # all hold the same; with batch normalisation, all would have to save
            manager.save()
    Path(folder).mkdir(parents=True, exist_ok=True)
    np.savez(Path(folder, f"weights_{worker}.npz"), *model.get_weights())


def measure(strategy, rounds=10) -> None:
    """Print the least seconds of an all-reduce by the size of the array."""

    @tf.function
    def add(variable):  # as the optimizer adds up gradients
        mine = strategy.run(lambda: tf.identity(variable))
        strategy.extended.reduce_to(tf.distribute.ReduceOp.SUM, mine, destinations=variable)

    for count in MEASURED:
        with strategy.scope():
            variable, seconds = tf.Variable(tf.ones(count)), []
        for _ in range(rounds):
            start = time.perf_counter()
            add(variable)
            seconds.append(time.perf_counter() - start)
        say(bytes=4 * count, seconds=min(seconds))


def say(**values) -> None:
    """Print one line."""
    print(json.dumps(values), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.worker", description=__doc__)
    parser.add_argument("shards", help="the folder with the TFRecord files")
    parser.add_argument(
        "folder", help="checkpoints and weights go there; on several machines, one that all of them see"
    )
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8, help="images in a batch of all workers together")
    parser.add_argument("--every", type=int, default=4, help="training steps between two checkpoints")
    parser.add_argument("--wait-at", type=int, help="wait before this training step to be killed")
    asked = parser.parse_args()
    with project.quiet():
        ring = tf.distribute.experimental.CommunicationImplementation.RING
        options = tf.distribute.experimental.CommunicationOptions(implementation=ring)
        strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    keras.utils.set_random_seed(0)
    files = sorted(map(str, Path(asked.shards).glob("*.tfrecord")))
    train(strategy, files, asked.folder, asked.steps, asked.batch, asked.every, asked.wait_at)
    measure(strategy)
    time.sleep(1)  # the others may still be fetching their part of the last sum from here


if __name__ == "__main__":
    main()
