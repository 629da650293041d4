"""What goes wrong outside the code: a killed save, a full disk, a file with code in it, a kernel that is interrupted."""

import errno
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import keras
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from utils import pipeline, project, shapes, training, unet, weights

SAVES = """
import sys
sys.path.insert(0, {root!r})
import keras
from utils import unet, weights
model = unet.build_unet((64, 64, 3), depth=3, base=32, name="large")
print("ready", flush=True)
for turn in range(10_000):
    weights.{call}(model, {path!r}, overwrite=True)
    print(turn, flush=True)
"""


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = unet.build_unet((16, 16, 3), depth=1, base=2)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
@pytest.mark.parametrize(("call", "ending"), [("save", ".keras"), ("save_weights", ".weights.h5")])
def test_a_killed_save_leaves_a_whole_file_or_none(call, ending, tmp_path):
    path = tmp_path / f"large{ending}"
    code = SAVES.format(root=str(project.ROOT), call=call, path=str(path))
    caught = 0
    for wait in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in child.stdout:
            if line.strip() == (b"ready" if wait == 0 else b"0"):
                break
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        caught += any(name.startswith(".") for name in os.listdir(tmp_path))  # it was killed while it wrote
        if path.exists():
            model = unet.build_unet((64, 64, 3), depth=3, base=32)
            if call == "save":
                model = weights.load(path)
            else:
                weights.load_weights(model, path)
            assert all(np.isfinite(array).all() for array in model.get_weights())
    assert path.exists(), "not one of the saves was completed"
    assert caught, "no save was hit in the middle"


@pytest.mark.parametrize(("call", "ending"), [("save", ".keras"), ("save_weights", ".weights.h5")])
def test_a_full_disk_leaves_the_old_file_as_it_was(call, ending, model, tmp_path, monkeypatch):
    path = getattr(weights, call)(model, tmp_path / f"m{ending}")
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        getattr(weights, call)(model, path, overwrite=True)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


FILLS = """
import sys
sys.path.insert(0, {root!r})
import os
from pathlib import Path
from utils import unet, weights
small, large = unet.build_unet((16, 16, 3), depth=1, base=2), unet.build_unet((64, 64, 3), depth=3, base=32)
path = weights.{call}(small, Path({folder!r}) / "m{ending}")
before = path.read_bytes()
try:
    weights.{call}(large, path, overwrite=True)
except OSError as error:
    print(error)
else:
    print("no error")
print(path.read_bytes() == before, os.listdir({folder!r}))
"""


@pytest.mark.parametrize(("call", "ending"), [("save", ".keras"), ("save_weights", ".weights.h5")])
def test_a_disk_that_is_really_full_leaves_the_old_file_as_it_was(call, ending, tmp_path):
    mount = f"mount -t tmpfs -o size=2m tmpfs {tmp_path}"
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no one but root mount a small disk")
    code = FILLS.format(root=str(project.ROOT), call=call, folder=str(tmp_path), ending=ending)
    done = subprocess.run([*inside, sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120)
    said, kept = done.stdout.strip().rsplit("\n", 1)
    assert "space" in said and kept == f"True ['m{ending}']", done.stderr


class Harm:
    """What a pickle that is read would do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_a_pickle_is_never_read(ending, model, tmp_path):
    harmed, path = tmp_path / "harmed", tmp_path / f"m{ending}"
    pickle.loads(pickle.dumps(Harm(harmed))).close()
    assert harmed.exists()  # so the pickle works
    harmed.unlink()
    path.write_bytes(pickle.dumps(Harm(harmed)))
    with pytest.raises(ValueError, match="damaged"):
        weights.load(path) if ending == ".keras" else weights.load_weights(model, path)
    assert not harmed.exists()


def test_an_archive_with_a_pickle_in_it_is_refused(model, tmp_path):
    path = weights.save(model, tmp_path / "m.keras")
    harmed, changed = tmp_path / "harmed", tmp_path / "changed.keras"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, pickle.dumps(Harm(harmed)) if name.endswith(".h5") else old.read(name))
    with pytest.raises(ValueError, match="cannot be read as a Keras model"):
        weights.load(changed)
    assert not harmed.exists()


def test_a_model_with_code_in_it_is_refused(tmp_path):
    harmed = tmp_path / "harmed"
    layer = keras.layers.Lambda(lambda x, path=str(harmed): (open(path, "w").close(), x)[1])
    model = keras.Sequential([keras.Input((4,)), layer])
    harmed.unlink(missing_ok=True)
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="cannot be read as a Keras model"):
        weights.load(tmp_path / "m.keras")
    assert not harmed.exists()


@pytest.mark.parametrize("damage", ["cut", "zeros", "flipped"])
def test_a_damaged_weight_file_is_never_loaded(damage, model, tmp_path):
    path = weights.save_weights(model, tmp_path / "m.weights.h5")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "zeros":
        content[:] = bytes(len(content))
    else:
        content[:8] = bytes(255 - byte for byte in content[:8])
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.weights\.h5 does not fit this network or is damaged.*get the file again"):
        weights.load_weights(model, path)


class Interrupt(keras.callbacks.Callback):
    """Stops the training as the square in JupyterLab does, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise KeyboardInterrupt


def test_an_interrupted_training_keeps_what_it_learned_and_goes_on(capsys):
    keras.utils.set_random_seed(0)
    drawn, held_out = shapes.draw(16, size=16), shapes.draw(4, split="validation", size=16)
    data = pipeline.dataset(drawn.images, drawn.masks, batch_size=4, shuffle=True)
    model = unet.build_unet((16, 16, 3), depth=1, base=2)
    training.compile_model(model, 20)
    start = model.get_weights()
    history = training.train(model, data, (held_out.images, held_out.masks), 4, callbacks=[Interrupt(2)])
    said = capsys.readouterr().out
    assert "Interrupted: 2 complete epochs" in said and "with the epochs that are left and history=history" in said
    assert len(history) == 2 and int(model.optimizer.iterations) == 2 * 4 + 2
    assert any(not np.array_equal(a, b) for a, b in zip(start, model.get_weights(), strict=True))
    going_on = training.train(model, data, (held_out.images, held_out.masks), 2, history=history)
    assert going_on is history and len(history) == 4 and "epoch  4/4" in capsys.readouterr().out
    assert history.images == [16, 32, 48, 64]


STARTS = """
import sys
sys.path.insert(0, {root!r})
from utils import project
project.start()
from utils import pipeline, shapes, training, unet
drawn, held_out = shapes.draw(64, size=16), shapes.draw(4, split="validation", size=16)
data = pipeline.dataset(drawn.images, drawn.masks, batch_size=4, shuffle=True)
model = unet.build_unet((16, 16, 3), depth=1, base=2)
training.compile_model(model, 160_000)
"""
TRAINS = "history = training.train(model, data, (held_out.images, held_out.masks), 10_000)"
GOES_ON = """
print(len(history), "kept")
again = training.train(model, data, (held_out.images, held_out.masks), 1, history=history)
print(len(history), "now")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows interrupts a kernel another way")
def test_a_kernel_that_is_interrupted_says_what_it_kept_and_goes_on():
    manager, client = start_new_kernel(kernel_name="python3")
    printed = []

    def read(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
            if "epoch  2/" in message["content"]["text"]:
                manager.interrupt_kernel()

    def run(code):
        printed.clear()
        reply = client.execute_interactive(code, output_hook=read, timeout=120)
        return reply["content"]["status"], "".join(printed)

    try:
        assert run(STARTS.format(root=str(project.ROOT)))[0] == "ok"
        status, text = run(TRAINS)
        assert status == "ok", "the cell ended with an error"
        epochs = int(re.search(r"Interrupted: (\d+) complete epochs are kept", text)[1])
        assert 2 <= epochs < 10_000
        status, text = run(GOES_ON)
        assert status == "ok" and text.startswith(f"{epochs} kept\n") and text.endswith(f"{epochs + 1} now\n")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
