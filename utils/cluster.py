"""Several workers that train one network: they are started here, on this machine, and what more of them would gain is computed.

Source of the ring all-reduce and of its cost: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
workstations", 2009.
"""

from __future__ import annotations

import json
import time

import keras

from utils import processes, unet

RATE = 5e-3
"""The learning rate of the workers."""
HERE = {
    "OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2",  # the workers share the cores
    "CUDA_VISIBLE_DEVICES": "-1", "no_grpc_proxy": "127.0.0.1", "TF_CPP_MIN_LOG_LEVEL": "3",
}  # fmt: skip
"""Variables of workers on this machine; a graphics card's memory is the notebook's."""


def network() -> keras.Model:
    """The small network of the workers; its normalisation looks at one image at a time, so sharing a batch changes nothing."""
    return unet.build_unet(depth=1, base=8, norm="group")


def loss(masks, probability):
    """The mean cross-entropy of all pixels of a batch."""
    return keras.ops.mean(keras.losses.binary_crossentropy(masks, probability))


def train(shards, folder, workers=2, *, steps=12, batch=8, every=4, kill=None, limit=600):
    """Let workers, each a process of this machine, train together; ``scripts/worker.py`` is what each of them runs.

    As soon as one of them dies, all are ended: none can go on without the others, and would wait for ever.

    Args:
        shards: the folder with the images, see :mod:`utils.records`.
        folder: checkpoints go there, and the trained weights: ``weights_0.npz`` and so on. From a checkpoint there they go on.
        workers: how many.
        steps, batch, every: training steps, images in a batch of all together, training steps between checkpoints.
        kill: a worker, and the training step before which it is killed: all have ended the one before.
        limit: seconds that they may take.

    Returns:
        list: for each worker the dicts that it printed: its training steps, then what :func:`network_speed` reads.

    Raises:
        RuntimeError: a worker stopped, or they took too long; the last lines of one of them follow.
    """
    addresses = [f"127.0.0.1:{processes.free_port()}" for _ in range(workers)]
    commands, variables = [], []
    for worker in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": worker}}
        variables.append({"TF_CONFIG": json.dumps(task)} | HERE)
        commands.append(["scripts.worker", shards, folder, "--steps", steps, "--batch", batch, "--every", every])
        if kill and kill[0] == worker:
            commands[-1] += ["--wait-at", kill[1]]
    with processes.running(*commands, variables=variables) as started:
        why, failed = watch(started, kill, limit)
    if why:
        raise RuntimeError(f"{why}:\n" + "".join(failed.said[-10:]))
    return [printed(process) for process in started]


def watch(started, kill, limit) -> tuple:
    """Wait until all have ended or one was killed as planned: ``("", None)``; or say what went wrong, and with which."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        codes = [process.poll() for process in started]
        if any(codes):
            return "A worker stopped", next(process for process, code in zip(started, codes) if code)
        if None not in codes:
            return "", None
        reached = min(max((line.get("step", 0) for line in printed(process)), default=0) for process in started)
        if kill and reached == kill[1] - 1:
            started[kill[0]].kill()
            return "", None
        time.sleep(0.1)
    return f"The workers did not end within {limit} s", started[0]


def printed(process) -> list[dict]:
    """The lines of JSON that a worker has printed so far."""
    return [json.loads(line) for line in process.said if line.startswith(('{"step"', '{"bytes"'))]


def network_speed(said) -> tuple[float, float]:
    """Latency in seconds, and bytes a second, from the two all-reduces that a worker measured: of few bytes, and of many."""
    few, many = (line for line in said if "bytes" in line)
    return few["seconds"] / 2, ring_bytes(many["bytes"], 2) / (many["seconds"] - few["seconds"])


def ring_bytes(size, workers) -> float:
    """What each worker sends in a ring all-reduce of ``size`` bytes: in 2 (n - 1) rounds one n-th of them each."""
    return 2 * (workers - 1) / workers * size


def step_seconds(compute, size, workers, *, latency, bandwidth) -> float:
    """A calculation, not a measurement: seconds of a training step if the workers compute their shares and then add up.

    Args:
        compute: seconds that one worker computes in a training step.
        size: bytes of all gradients.
        workers: how many.
        latency, bandwidth: seconds before the first byte of a message arrives, and bytes a second after it.
    """
    return compute + 2 * (workers - 1) * latency + ring_bytes(size, workers) / bandwidth
