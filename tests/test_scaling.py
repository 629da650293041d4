"""Notebook 13's machinery: shards, workers of which one dies, a sweep that goes on, a server under eight clients."""

import contextlib
import io
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tomllib
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import keras
import numpy as np
import optuna
import psutil
import pytest
import tensorflow as tf
from PIL import Image

from utils import cluster, exporting, processes, project, records, shapes, weights


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder, drawn = tmp_path_factory.mktemp("shards"), shapes.draw(32)
    return records.write(folder, (records.example(*pair) for pair in zip(drawn.images, drawn.masks)), 4)


# ---- Shards ------------------------------------------------------------------------------------------------------------


def test_records_hold_the_images_and_every_worker_reads_its_own(shards):
    drawn = shapes.draw(32)
    read = [list(records.dataset(records.of_worker(shards, k, 2), 4).unbatch()) for k in (0, 1)]
    assert [len(one) for one in read] == [16, 16]
    found = {image.numpy().tobytes(): mask.numpy() for one in read for image, mask in one}
    for image, mask in zip(drawn.images, drawn.masks):
        nearest = (np.round(255 * image) / np.float32(255)).astype(np.float32)
        assert np.array_equal(found[nearest.tobytes()], mask)


def test_a_buffer_mixes_the_images_and_the_seed_decides_how(shards):
    def order(**options):
        return np.concatenate([batch.numpy().sum((1, 2, 3)) for batch, _ in records.dataset(shards, 8, **options)])

    assert np.array_equal(order(buffer=32, seed=1, parallel=1), order(buffer=32, seed=1, parallel=1))
    assert not np.array_equal(order(buffer=32, seed=1), order())
    assert np.allclose(np.sort(order(buffer=32, seed=1)), np.sort(order()))


# ---- Processes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_was_started_is_ended_whatever_happens(error):
    with contextlib.suppress(error), processes.running(["http.server", "0"], ["http.server", "0"]) as started:
        assert [process.poll() for process in started] == [None, None]
        raise error
    assert all(process.poll() is not None and not psutil.pid_exists(process.pid) for process in started)


@pytest.mark.skipif(sys.platform == "win32", reason="processes have no parent there")
def test_a_program_ends_when_what_started_it_is_killed():
    source = (
        "import time\nfrom utils import processes\n"
        "with processes.running(['http.server', '0']) as [p]:\n    print(p.pid, flush=True)\n    time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", source], cwd=project.ROOT, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    time.sleep(1)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    for _ in range(100):
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.1)
                continue
        return
    os.kill(child, signal.SIGKILL)
    pytest.fail("the program goes on")


# ---- Workers -----------------------------------------------------------------------------------------------------------


def test_two_workers_train_as_one_and_after_a_death_nothing_is_lost_but_the_steps_since(shards, tmp_path):
    folder = os.path.dirname(shards[0])
    shares = [records.dataset(records.of_worker(shards, k, 2), 4, parallel=1) for k in (0, 1)]
    keras.utils.set_random_seed(0)
    model, alone = cluster.network(), []
    model.compile(keras.optimizers.Adam(cluster.RATE), "binary_crossentropy")
    for pair in tf.data.Dataset.zip(*shares):  # four steps
        alone.append(float(model.train_on_batch(*(np.concatenate(parts) for parts in zip(*pair)))))
        model.reset_metrics()
    lost = cluster.train(folder, tmp_path / "two", steps=4, batch=8, every=2, kill=(1, 4))
    assert [line["step"] for line in lost[0] if "step" in line] == [1, 2, 3]
    again = cluster.train(folder, tmp_path / "two", steps=4, batch=8, every=2)
    assert [line["step"] for line in again[0] if "step" in line] == [3, 4]
    first, second = (np.load(tmp_path / "two" / f"weights_{k}.npz") for k in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert [x["loss"] for x in again[0][:2]] == [x["loss"] for x in again[1][:2]]
    assert again[0][0]["loss"] == pytest.approx(lost[0][2]["loss"], abs=1e-5)
    assert [line["loss"] for line in [*lost[0][:3], again[0][1]]] == pytest.approx(alone, abs=1e-4)
    latency, bandwidth = cluster.network_speed(again[0])
    assert 0 < latency < 1 and bandwidth > 0


def test_a_worker_that_stops_with_an_error_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="A worker stopped:\n(.*\n)*.*(Error|Exception)"):
        cluster.train(tmp_path, tmp_path, workers=1, steps=1)


def test_workers_that_take_too_long_are_ended(tmp_path):
    with pytest.raises(RuntimeError, match="did not end within 0.5 s"):
        cluster.train(tmp_path, tmp_path, limit=0.5)
    assert not [one for one in psutil.Process().children() if "scripts.worker" in " ".join(one.cmdline())]


def test_the_ring_never_sends_more_than_twice_the_array_and_the_model_adds_up():
    assert [cluster.ring_bytes(100, n) for n in (1, 2, 4)] == [0, 100, 150] and cluster.ring_bytes(100, 10**6) < 200
    assert cluster.step_seconds(1.0, 100, 1, latency=1, bandwidth=1) == 1
    assert cluster.step_seconds(1.0, 100, 4, latency=0.5, bandwidth=50) == 1 + 6 * 0.5 + 150 / 50


# ---- A sweep -----------------------------------------------------------------------------------------------------------


def test_a_sweep_goes_on_and_the_same_seed_draws_the_same_settings_again(tmp_path):
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def sweep(name, trials, seed, stop=None):
        def objective(trial):
            if trial.number == stop:
                raise KeyboardInterrupt
            return trial.suggest_float("rate", 1e-4, 1e-1, log=True)

        study = optuna.create_study(storage=f"sqlite:///{tmp_path}/s.db", study_name=name, load_if_exists=True)
        done = len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
        study.sampler = optuna.samplers.RandomSampler(seed=seed(done))
        study.optimize(objective, n_trials=trials - done)
        return [t.params["rate"] for t in study.get_trials(states=[optuna.trial.TrialState.COMPLETE])]

    for name, seed, different in (("other", lambda done: done, 6), ("same", lambda done: 0, 3)):
        with pytest.raises(KeyboardInterrupt):
            sweep(name, 6, seed, stop=3)
        assert len(set(sweep(name, 6, seed))) == different


# ---- The server --------------------------------------------------------------------------------------------------------


def as_png(image):
    held = io.BytesIO()
    Image.fromarray(np.uint8(np.rint(255 * image))).save(held, "PNG")
    return held.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = exporting.to_onnx(weights.load_shipped(), tmp_path_factory.mktemp("served") / "my_unet.onnx")
    port = processes.free_port()
    with (
        processes.running(["utils.serving", path, "--port", port]) as [program],
        httpx.Client(timeout=60, trust_env=False) as client,
    ):
        client.base_url, client.path = f"http://127.0.0.1:{port}", path
        for _ in range(1200):
            with contextlib.suppress(httpx.TransportError):
                client.get("/health")
                break
            time.sleep(0.1)
        else:
            pytest.fail("".join(program.said))
        yield client


def send(client, data, kind="image/png"):
    return client.post("/predict", content=data, headers={"content-type": kind})


def as_16_bits(pixels):
    held = io.BytesIO()
    Image.fromarray(np.uint16(pixels)).save(held, "PNG")
    return held.getvalue()


GOOD = shapes.draw(8, split="test").images


def claiming(side):
    """A small PNG whose header claims this width and height."""
    data = bytearray(as_png(GOOD[0]))
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


BAD = {
    "no image": (b"%PDF-1.7", "image/png", 400, "no PNG that can be read"),
    "nothing": (b"", "image/png", 400, "is the file whole"),
    "cut off": (as_png(GOOD[0])[:1500], "image/png", 400, "is the file whole"),
    "a PNG called JPEG": (as_png(GOOD[0]), "image/jpeg", 400, "no JPEG"),
    "another type": (as_png(GOOD[0]), "text/html", 415, "send image/png or image/jpeg"),
    "no type": (as_png(GOOD[0]), "", 415, "missing"),
    "too large": (bytes(2_000_001), "image/png", 413, "more than 2,000,000 bytes"),
    "too wide": (as_png(np.zeros((8, 600, 3))), "image/png", 422, "600 x 8"),
    "a bomb": (claiming(9000), "image/png", 422, "9000 x 9000"),
    "a larger bomb": (claiming(50_000), "image/png", 422, "50000 x 50000"),
    "16 bits": (as_16_bits(np.full((8, 8), 5000)), "image/png", 422, "8 bits a channel"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_words(server, name):
    data, kind, status, words = BAD[name]
    answer = send(server, data, kind)
    assert answer.status_code == status and words in answer.json()["detail"]


def test_eight_clients_get_their_own_masks_with_bad_input_among_good_and_nothing_ends(server):
    before = server.get("/health").json()
    sizes = [GOOD[k][: 64 - 16 * (k % 2)] for k in range(8)]  # two sizes in one crowd
    good = [(as_png(image), "image/png") for image in sizes]
    sent = 6 * [*good, *((data, kind) for data, kind, *_ in list(BAD.values())[:6])]
    with ThreadPoolExecutor(8) as eight:
        answers = list(eight.map(lambda one: send(server, *one), sent))
    assert Counter(answer.status_code for answer in answers) == {200: 48, 400: 24, 415: 12}
    masks = [np.array(Image.open(io.BytesIO(answer.content))) for answer in answers if answer.status_code == 200]
    answer_to = exporting.runner(server.path)
    for k, mask in enumerate(masks):
        expected = answer_to(sizes[k % 8][None])[0, ..., 0] > 0.5
        assert mask.shape == expected.shape and np.mean((mask > 0) == expected) > 0.999
    after = server.get("/health").json()
    assert after["status"] == "ok" and after["model"] == before["model"] and 1 < after["largest_batch"] <= 8


def test_a_content_type_may_have_parameters(server):
    assert send(server, as_png(GOOD[0]), "Image/PNG; charset=binary").status_code == 200


def test_sides_that_are_no_multiples_are_filled_up(server):
    answer = send(server, as_png(GOOD[0][:37, :50]))
    assert np.array(Image.open(io.BytesIO(answer.content))).shape == (37, 50)


def test_the_container_installs_what_the_server_imports_in_the_ranges_of_the_project():
    text = (project.ROOT / "utils" / "serving.Dockerfile").read_text(encoding="utf-8")
    listed = (project.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    groups = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    installed = set(re.findall(r'"([a-z]+[><=].*?)"', text))
    assert installed <= {*listed, *groups["scaling"]}
    imports = set(re.findall(r"(?m)^(?:import|from) (\w+)", (project.ROOT / "utils" / "serving.py").read_text()))
    third = {{"PIL": "pillow"}.get(name, name) for name in imports - set(sys.stdlib_module_names)}
    assert {re.match(r"\w+", one)[0] for one in installed} == third
    assert "utils" not in third and "tensorflow" not in third
