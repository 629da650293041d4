"""Tests of what the measurements of the rate compute; no time is asserted."""

import math
import time

import numpy as np
import pytest

from tests.benchmarks.bench import limit, trace


def test_time_is_shared_out_among_what_runs():
    shares = trace.shared_time([(1, 5, "a"), (3, 7, "b"), (-9, 0, "before"), (9, 20, "c")], 0, 10)
    assert shares == {trace.NOTHING: 3, "a": 3, "b": 3, "c": 1}


def test_pieces_of_one_name_share_as_one_name():
    assert trace.shared_time([(0, 4, "a"), (0, 4, "a"), (0, 4, "b")], 0, 4) == pytest.approx({"a": 8 / 3, "b": 4 / 3})
    assert trace.shared_time([], 2, 5) == {trace.NOTHING: 3}


def test_a_piece_lasts_until_its_work_is_done():
    begun = [(0, 1, "a"), (10, 11, "a"), (0, 2, "b"), (0, 9, "c")]
    assert trace.lasting(begun, {"a": [14, 5], "c": [3]}) == [(0, 5, "a"), (10, 14, "a"), (0, 2, "b"), (0, 9, "c")]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("unet_1/enc1_conv1_1/convolution", ("enc1", "conv")),
        ("gradient_tape/unet_1/dec3_conv2_1/convolution/Conv2DBackpropInput", ("dec3", "conv")),
        ("gradient_tape/unet_1/bottleneck_norm2_1/batchnorm/add_1/Sum", ("bottleneck", "norm")),
        ("unet_1/head_1/convolution", ("head", "")),
        ("enc4_pool", ("enc4", "pool")),
        ("adam/AssignSubVariableOp_7", None),
        ("", None),
    ],
)
def test_a_path_names_its_layer(path, place):
    assert trace.layer_of(path) == place


@pytest.mark.parametrize(
    ("opcode", "path", "near", "kind"),
    [
        ("convolution", "unet_1/enc1_conv1_1/convolution", "", trace.FORWARD),
        ("dot", "unet_1/head_1/convolution", "", trace.FORWARD),
        ("convolution", "gradient_tape/unet_1/enc1_conv2_1/convolution/Conv2DBackpropInput", "", trace.INPUTS),
        ("convolution", "", "", trace.WEIGHTS),
        ("fusion", "", "unet_1/enc1_conv2_1/convolution", trace.COPIES),
        ("fusion", "", "unet_1/enc1_norm1_1/moments/variance", trace.NORMS),
        ("fusion", "AddN_4", "gradient_tape/unet_1/dec1_conv1_1/convolution/Conv2DBackpropInput", trace.NORMS),
        ("fusion", "unet_1/dec1_relu2_1/Relu", "", trace.NORMS),
        ("call", "gradient_tape/unet_1/enc1_pool_1/MaxPool2d/MaxPoolGrad", "", trace.POOLINGS),
        ("fusion", "unet_1/dec1_skip_1/concat", "", trace.JOINS),
        ("fusion", "compile_loss/binary_crossentropy/Sum", "", trace.LOSS),
        ("fusion", "adam/AssignSubVariableOp_7", "", trace.ADAM),
        ("fusion", "div_no_nan", "", trace.OTHER),
    ],
)
def test_a_piece_has_a_kind(opcode, path, near, kind):
    assert trace.kind_of(opcode, path, near) == kind


def test_levels_count_from_the_top():
    assert [trace.level_of(where, 4) for where in ("enc1", "dec4", "bottleneck", "head")] == [1, 4, 5, 1]


def test_the_middle_counts_what_is_missing_as_nothing():
    assert trace.middle([{"a": 1.0}, {"a": 3.0, "b": 5.0}, {"a": 2.0}]) == {"a": 2.0, "b": 0}


SECONDS = {(1, trace.FORWARD): 0.03, (1, trace.NORMS): 0.02, (2, trace.WEIGHTS): 0.01, (0, trace.ADAM): 0.04}


def test_a_levels_rate_is_its_work_by_the_time_of_its_convolutions():
    top, bottom, missing = limit.level_rows(SECONDS, [100, 300, 100], batch=2, rate=1e6)
    assert [top["macs share"], top["convolutions"], top["other"]] == pytest.approx([0.2, 0.03, 0.02])
    assert top["rate"] == pytest.approx(6 * 100 * 2 / 0.03)
    assert bottom["share of limit"] == pytest.approx(6 * 300 * 2 / 0.01 / 1e6)
    assert math.isnan(missing["rate"])


def test_the_bound_leaves_all_but_the_convolutions_as_it_is():
    assert limit.bound(SECONDS, flops=0.06e6, rate=1e6) == pytest.approx(0.5)


def test_the_verdict_is_computed():
    assert "not reached" in limit.verdict([0.5, 0.59, 0.7])
    assert "not reached" not in limit.verdict([0.5, 0.6, 0.7])


def test_only_what_is_nearly_always_faster_is_called_faster():
    attempts = [
        {"name": "now and then", "ratios": [0.5, 0.6, 1.1], "same": "yes"},
        {"name": "hardly", "ratios": [0.98, 0.99, 0.99], "same": "yes"},
        {"name": "some", "ratios": [0.8, *[0.9] * 8, 1.05], "same": "yes"},
        {"name": "much", "ratios": [0.5, 0.5, 0.6], "same": "no"},
    ]
    told = limit.faster(attempts)
    assert "much, 50% less time, other weights; some, 10% less time, same weights to the bit." in told
    assert "hardly" not in told and "now and then" not in told
    assert limit.faster(attempts[:2]).endswith("none.")


def test_names_are_given_once_and_quick_is_a_part_of_full():
    for variants in (limit.sizes, limit.tried):
        full, quick = ([one.name for one in variants(quick)] for quick in (False, True))
        assert len(set(full)) == len(full) and full[: len(quick)] == quick and len(quick) < len(full)


def test_shifted_copies_and_a_product_make_the_same_convolution():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    maps, kernel = rng.random((2, 6, 6, 3), dtype=np.float32), rng.random((3, 3, 3, 5), dtype=np.float32)
    assert np.allclose(limit.shifted(tf.constant(maps), kernel), tf.nn.conv2d(maps, kernel, 1, "SAME"), atol=1e-4)


def test_the_macs_of_the_levels_are_all_there_are():
    from utils import cost, training, unet

    model = unet.build_unet(**training.DEEP.network)
    levels = limit._level_macs(cost.layer_table(model))
    assert len(levels) == limit.DEPTH + 1 and sum(levels) == cost.macs(model)
    assert levels[-1] == 9 * 4 * 4 * (64 * 128 + 128 * 128)


def test_channels_first_is_the_same_convolution():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    maps, kernel = rng.random((2, 6, 6, 3), dtype=np.float32), rng.random((3, 3, 3, 3), dtype=np.float32)
    other = tf.function(lambda m, k: tf.nn.conv2d(m, k, 1, "SAME", data_format="NCHW"), jit_compile=True)
    expected = np.transpose(tf.nn.conv2d(maps, kernel, 1, "SAME"), (0, 3, 1, 2))
    assert np.allclose(other(np.transpose(maps, (0, 3, 1, 2)), kernel), expected, atol=1e-4)


def test_the_limit_is_the_work_of_a_product_by_its_time():
    class Slow(Fake):
        def ask(self, do, **options):
            time.sleep(0.05)

    rate = limit.rate(Slow(limit.RECIPE), {"kind": "numpy"})
    assert 2 * limit.SIDE**3 / 0.5 < rate < 2 * limit.SIDE**3 / 0.05


def test_shares_of_the_levels_are_against_the_limit_of_their_own_round(monkeypatch):
    monkeypatch.setattr(limit, "rate", lambda base, limit: 1e9)
    _, _, rate, share, *_ = limit._alone(Fake(limit.RECIPE), {"kind": "numpy", "flops": 5e9}, 2).rows[0]
    assert share == rate != "0"


def at_once(tasks, rounds=1):
    """As measure.in_turn, without waiting."""
    for task in tasks.values():
        task()
    return {name: [0.25 + 0.01 * turn for turn in range(rounds)] for name in tasks}


class Fake:
    """Answers as a worker does, at once."""

    def __init__(self, variant):
        if variant.policy != "float32":
            raise RuntimeError("its process ended with code 1")
        self.ready = {"compiled": 9.0, "digest": variant.norm, "macs": 500, "level_macs": [100] * 5, "faults": 7.0}
        self.ready |= {"steps": 2, "forwards": 3, "peak": 900.0}

    def ask(self, do, **options):
        if do == "trace":
            return {"count": 3, "seconds": [[level, kind, time] for (level, kind), time in SECONDS.items()]}
        return {"seconds": 0.25, "digest": options.get("way")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("quick", [True, False])
def test_all_tables_are_made(quick, monkeypatch):
    monkeypatch.setattr(limit, "Worker", Fake)
    monkeypatch.setattr(limit.measure, "in_turn", at_once)
    titles = {table.title: table for table in limit.tables(quick)}
    assert not any("Not begun" in note for table in titles.values() for note in table.notes)
    assert all(table.text() for table in titles.values())
    tried = {row[0]: row for row in titles["What was tried"].rows}
    assert len(tried) == len(limit.tried(quick)) + 1 and tried[limit.RECIPE.name][3] == 7.0
    kinds = titles["Where a step's time goes, by kind of work"].rows
    assert sum(row[2] for row in kinds) == pytest.approx(1)
    levels = titles["Where a step's time goes, by level"].rows
    assert sum(row[4] + row[5] for row in levels) == pytest.approx(1)
    if not quick:
        assert tried["bfloat16 (mixed_bfloat16)"][1] == "its process ended with code 1"
        assert tried["no normalisation"][-1] == "no" and tried["one thread"][-1] == "yes"


def test_without_a_trace_the_other_tables_are_made(monkeypatch):
    ask = Fake.ask
    monkeypatch.setattr(Fake, "ask", lambda self, do, **o: {"failed": "gone"} if do == "trace" else ask(self, do, **o))
    monkeypatch.setattr(limit, "Worker", Fake)
    monkeypatch.setattr(limit.measure, "in_turn", at_once)
    assert sum("gone" in table.notes for table in limit.tables(True)) == 2


def test_nothing_is_begun_when_the_time_is_up(monkeypatch):
    monkeypatch.setattr(limit, "Worker", Fake)
    monkeypatch.setattr(limit.measure, "in_turn", at_once)
    monkeypatch.setitem(limit.BUDGET, "full", 0)
    tried = next(table for table in limit.tables(False) if table.title == "What was tried")
    assert len(tried.rows) == 1 and "Not begun after 0 s: " in tried.notes[-1]
    assert all(one.name in tried.notes[-1] for one in limit.sizes(False) + limit.tried(False))
    assert limit.missed(set(), 5) == []
