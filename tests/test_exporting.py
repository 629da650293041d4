"""Exported networks: the files answer as Keras does, on real images, of any size, and without TensorFlow."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from utils import exporting, nuclei, pipeline, unet, weights


def windows(count, height, width, channels=3):
    """Parts of the real image of nuclei, at other places each time."""
    image, _ = nuclei.nuclei()
    image = pipeline.stretch(image).astype(np.float32)
    parts = [image[40 * k : 40 * k + height, 50 * k : 50 * k + width] for k in range(count)]
    return np.repeat(np.stack(parts)[..., None], channels, axis=-1)


@pytest.fixture(scope="module")
def trained():
    """The network trained on nuclei, for images of any size."""
    return exporting._for_size(weights.load_shipped("unet_nuclei"), None)


@pytest.fixture(scope="module")
def onnx_file(trained, tmp_path_factory):
    return exporting.to_onnx(trained, tmp_path_factory.mktemp("onnx") / "my_unet.onnx")


@pytest.mark.parametrize("shape", [(1, 256, 256), (3, 128, 192), (2, 272, 64)])
def test_onnx_answers_as_keras_on_real_images_of_any_size(trained, onnx_file, shape):
    images = windows(*shape)
    expected, found = trained.predict_on_batch(images), exporting.runner(onnx_file)(images)
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4
    assert expected.std() > 0.1  # it says something


def test_litert_answers_as_keras_on_real_images(trained, tmp_path):
    file = exporting.to_litert(trained, tmp_path / "my_unet.tflite", size=128)
    difference, *seconds = exporting.compare(trained, file, windows(3, 128, 128))
    assert difference < 1e-4
    assert all(0 < value < 10 for value in seconds)


def test_a_difference_is_seen(trained, onnx_file):
    other = exporting._for_size(trained, None)
    head = other.get_layer("head")
    head.set_weights([kernel * 1.1 for kernel in head.get_weights()])
    assert exporting.compare(trained, onnx_file, windows(2, 64, 64))[0] < 1e-4
    assert exporting.compare(other, onnx_file, windows(2, 64, 64))[0] > 1e-3


@pytest.mark.parametrize(
    "network",
    [
        {"depth": 2, "classes": 4, "upsampling": "transposed", "norm": "none", "dropout": 0.5},
        {"depth": 1, "classes": 1, "upsampling": "nearest+conv", "norm": "group", "skips": [1]},
    ],
)
def test_other_networks_too(network, tmp_path):
    keras.utils.set_random_seed(0)
    model = unet.build_unet((64, 64, 3), base=4, **network)  # of one size; the file takes any
    images = windows(2, 96, 160)
    expected = exporting._for_size(model, None).predict_on_batch(images)
    found = exporting.runner(exporting.to_onnx(model, tmp_path / "a.onnx"))(images)
    assert np.abs(found - expected).max() < 1e-4
    square = windows(1, 64, 64)
    found = exporting.runner(exporting.to_litert(model, tmp_path / "a.tflite", 64))(square)
    assert np.abs(found - model.predict_on_batch(square)).max() < 1e-4


def test_bilinear_upsampling_for_one_size(tmp_path):
    model = unet.build_unet((None, None, 1), depth=2, base=4, upsampling="bilinear")
    file = exporting.to_onnx(model, tmp_path / "a.onnx", size=64)
    assert exporting.compare(model, file, windows(2, 64, 64, channels=1))[0] < 1e-4


def test_the_network_stays_as_it_is(trained, onnx_file, tmp_path):
    before = trained.get_weights()
    exporting.to_litert(trained, tmp_path / "a.tflite", 64)
    assert all(np.array_equal(a, b) for a, b in zip(before, trained.get_weights()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tflite"]


def test_onnx_runs_without_tensorflow(trained, onnx_file, tmp_path):
    images = windows(2, 64, 128)
    np.save(tmp_path / "images.npy", images)
    program = (
        "import sys; sys.modules.update(tensorflow=None, keras=None)\n"
        "import numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1])\n"
        "numpy.save('outputs.npy', session.run(None, {'image': numpy.load('images.npy')})[0])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(onnx_file)], cwd=tmp_path, check=True)
    assert np.abs(np.load(tmp_path / "outputs.npy") - trained.predict_on_batch(images)).max() < 1e-4
