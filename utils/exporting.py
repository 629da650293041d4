"""A trained network for programs without Keras: an ONNX file, a LiteRT file, and whether they answer as the network does.

ONNX files run under ONNX Runtime, OpenCV and others, from Python, C++, Java or a browser. LiteRT files (formerly TensorFlow
Lite) run on phones and small boards.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from utils import project


def to_onnx(model, path, size=None) -> Path:
    """Write a network as an ONNX file: float32 ``(N, H, W, C)`` in 0..1 to ``(N, H, W, K)``, as in Keras.

    Args:
        model: a network of one input, for example of :func:`utils.unet.build_unet`.
        path: ``my_unet.onnx``; what is there is replaced.
        size: height and width that the file takes. None: any that the poolings divide; bilinear upsampling needs a size.
    """
    free = _for_size(model, size)
    image = keras.InputSpec(shape=free.input_shape, dtype="float32", name="image")
    with project.quiet(), warnings.catch_warnings(action="ignore"):
        free.export(str(path), format="onnx", verbose=False, input_signature=[image])
    return Path(path)


def to_litert(model, path, size=256) -> Path:
    """Write a network as a LiteRT file, ``my_unet.tflite``, for one image: ``(1, size, size, C)`` to ``(1, size, size, K)``."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as saved, project.quiet():
        _for_size(model, size, batch=1).export(saved, verbose=False)
        Path(path).write_bytes(tf.lite.TFLiteConverter.from_saved_model(saved).convert())
    return Path(path)


def runner(path):
    """Open an ``.onnx`` or ``.tflite`` file with its own runtime: a function from images to outputs, without Keras."""
    if Path(path).suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda images: session.run(None, {"image": images})[0]
    import tensorflow as tf

    with (
        project.quiet(),
        warnings.catch_warnings(action="ignore"),
    ):  # of another package with this runtime, ai-edge-litert
        interpreter = tf.lite.Interpreter(str(path))
        interpreter.allocate_tensors()
    run = interpreter.get_signature_runner()
    return lambda images: next(iter(run(image=images).values()))


def compare(model, path, images) -> tuple[float, float, float]:
    """Predict images ``(N, H, W, C)`` one by one with a network and with a file made from it.

    Returns:
        tuple: the largest difference of any output; the median seconds an image takes in Keras, and in the file's runtime.
    """
    (expected, keras_seconds), (found, seconds) = (_timed(f, images) for f in (model.predict_on_batch, runner(path)))
    return float(np.abs(expected - found).max()), keras_seconds, seconds


def _timed(predict, images):
    """All outputs, and the median seconds an image takes; the first call, which prepares, does not count."""
    predict(images[:1])
    outputs, seconds = [], []
    for image in images:
        start = time.perf_counter()
        outputs.append(predict(image[None]))
        seconds.append(time.perf_counter() - start)
    return np.concatenate(outputs), float(np.median(seconds))


def _for_size(model, size, batch=None):
    """The same network with the same weights, for images of this height and width, or of any."""
    image = keras.Input((size, size, model.input_shape[-1]), batch, name="image")
    same = keras.models.clone_model(model, input_tensors=image)
    same.set_weights(model.get_weights())
    return same
