"""The helpers of the measurement of pictures in tiles: the stored picture, what is read from /proc, what is called flat."""

import mmap
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.bench import growth
from utils import tiling

STATUS = "Name:\tx\nVmHWM:\t 900 kB\nVmRSS:\t 500 kB\nRssAnon:\t 300 kB\nRssFile:\t 150 kB\nRssShmem:\t 50 kB\n"
needs_proc = pytest.mark.skipif(not growth.STATUS.exists(), reason="this system has no /proc")


def test_memory_is_read_in_bytes():
    assert growth.memory(STATUS) == {"VmHWM": 921_600, "RssAnon": 307_200, "RssFile": 153_600, "RssShmem": 51_200}


@needs_proc
def test_the_watch_sees_memory_that_was_given_back():
    # Asked of the system itself: what the C library keeps of freed memory depends on the tests before this one.
    before = growth.memory(growth.STATUS.read_text())["RssAnon"]
    with growth.Watch() as watch, mmap.mmap(-1, 64_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b"1" * len(block))
        for _ in range(100):
            growth.time.sleep(0.1)
            if watch.anonymous > before + 60e6:
                break
    after = growth.memory(growth.STATUS.read_text())["RssAnon"]
    assert watch.anonymous > after + 50e6 and watch.peak > watch.anonymous


@pytest.fixture(scope="module")
def scene():
    return np.rint(255 * tiling.scene(growth.PERIOD // 128).images[0]).astype(np.uint8)


def test_a_picture_repeats_one_scene(tmp_path, scene):
    growth.write_picture(tmp_path / "picture.raw", 1024)
    stored = np.fromfile(tmp_path / "picture.raw", np.uint8).reshape(1024, 1024, 3)
    for rows in (slice(0, 512), slice(512, 1024)):
        for columns in (slice(0, 512), slice(512, 1024)):
            assert np.array_equal(stored[rows, columns], scene)


def test_sides_fit_the_tiles_and_the_period():
    for side in growth.FULL:
        assert side % growth.PERIOD == side % growth.TILE == 0
    assert growth.PERIOD % growth.TILE == 0 and set(growth.QUICK) < set(growth.FULL)


def test_a_result_repeats_or_not_or_is_too_small():
    block = np.random.default_rng(0).random((512, 512, 1)).astype(np.float16)
    whole = np.tile(block, (4, 4, 1))
    assert growth.repeats(whole) is True and growth.repeats(whole[:1024, :1024]) is None
    whole[600, 600] += 1
    assert growth.repeats(whole) is False
    assert growth.repeats(np.zeros((2048, 2048, 1))) is False, "a result that was never written repeats nothing"


def found(whole, part, anonymous, repeats=None, mapped=2e8):
    return {"whole": whole, "part": part, "before": 1e8, "anonymous": anonymous, "mapped": mapped, "peak": 6e8} | {
        "repeats": repeats
    }


def test_a_whole_is_compared_with_the_part_around_it():
    assert growth.relative(found([8.0, 12.0], [[1.0], [3.0], [3.0]], 1e8), 1024) == pytest.approx([1, 1])
    assert growth.relative(found([16.0], [[1.0], [3.0]], 1e8), 1024) == pytest.approx([2])
    several = [[1.0, 1.0, 1.0], [3.0, 2.0, 4.0], [8.0, 1.0, 3.0]]
    assert growth.relative(found([8.0, 28.0], several, 1e8), 1024) == pytest.approx([1, 2])


@pytest.mark.parametrize(("values", "said"), [([5, 5.4, 5.2], "1.08, reached"), ([5, 4, 3], "1.67, not reached")])
def test_flat_is_computed(values, said):
    quotient, reached = said.split(", ")
    assert growth.flat("time", values) == f"Largest over smallest time: {quotient} (aim 1.1 or less: {reached})."


def test_the_table_says_what_grew():
    sizes = {
        512: found([1.0], [[1.0, 1.0, 1.0]] * 2, 3e8),
        2048: found([16.0], [[1.0, 1.0, 1.0]] * 2, 6e8, True),
        4096: found([64.0, 57.6, 70.4], [[1.0, 1.0, 1.0]] * 4, 3e8, False, mapped=5e8),
    }
    made = growth.table(sizes)
    assert [row[0] for row in made.rows] == ["512", "2048", "4096"]
    assert made.rows[1][5:] == [600, 200, 600]
    time, memory, runs, _, repeated = made.notes
    assert "1.00" in time and "not reached" not in time
    assert "2.00" in memory and "not reached" in memory
    assert runs.startswith("Runs: 1 of 512 px, 1 of 2048 px, 3 of 4096 px.")
    assert "the mean of 6 runs of 512 px, 3 just before and 3 just after it" in runs
    assert "1 of 2 with a side of 2048 px or more" in repeated
    assert "from 512 to 4096 px a side: a megapixel takes 1.00 (0.900 to 1.10) times as long" in made.headline
    assert "anonymous memory goes from 300 to 300 MB, and that of mapped files" in made.headline
    assert made.headline.endswith("mapped files, picture and result among them, from 200 to 500 MB.")


def test_sizes_and_runs_of_both_modes(monkeypatch):
    ran = []

    def measured(*asked):
        ran.append(asked)
        return found([1.0], [[1.0], [1.0]], 1e8)

    monkeypatch.setattr(growth, "measured", measured)
    monkeypatch.setattr(growth, "STATUS", Path(tempfile.gettempdir()))
    growth.tables(True)
    assert ran == [(512, 5, 1), (1024, 3, 1), (2048, 1, 1)]
    ran.clear()
    growth.tables(False)
    assert ran == [(512, 5, 3), (1024, 3, 3), (2048, 3, 3), (4096, 3, 3), (8192, 2, 3)]


@needs_proc
def test_the_part_is_predicted_several_times_before_the_first_run_and_after_each(tmp_path, monkeypatch):
    sides = []
    monkeypatch.setattr(growth.tiling, "predict_tiled", lambda answer, array, *given, out: sides.append(len(array)))
    growth.write_picture(tmp_path / "picture.raw", 1024)
    figures = growth.predict(tmp_path / "picture.raw", 1024, 2, 3)
    assert sides == [512, *[512] * 3, 1024, *[512] * 3, 1024, *[512] * 3], "the very first one warms up"
    assert len(figures["whole"]) == 2 and [len(seconds) for seconds in figures["part"]] == [3, 3, 3]


def test_a_system_without_proc_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(growth, "STATUS", tmp_path / "none")
    with pytest.raises(RuntimeError, match="/proc"):
        growth.tables(True)
