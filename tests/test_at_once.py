"""Two notebooks at once: they overlap in time, and a failure of either is a failure."""

import threading
from pathlib import Path

import pytest

from tests import at_once, notebooks, run_notebooks

PATHS = [Path(f"{k:02d}.ipynb") for k in range(1, 6)]


def test_pairs_follow_each_other_and_the_odd_one_runs_with_the_first():
    assert at_once.pairs(PATHS[:4]) == [(PATHS[0], PATHS[1]), (PATHS[2], PATHS[3])]
    assert at_once.pairs(PATHS) == [(PATHS[0], PATHS[1]), (PATHS[2], PATHS[3]), (PATHS[4], PATHS[0])]


@pytest.mark.parametrize("count", [0, 1])
def test_one_notebook_is_too_few(count):
    with pytest.raises(ValueError, match="Two notebooks"):
        at_once.pairs(PATHS[:count])


def test_one_name_ends_with_a_usage_error(capsys):
    assert at_once.main(["01"]) == 2
    assert "Two notebooks" in capsys.readouterr().err


def fake_compare(failing=()):
    """A comparison that ends only after the other one of its pair has begun, and the budgets that it was given."""
    both, budgets = threading.Barrier(2, timeout=5), []

    def compare(path, seconds):
        both.wait()  # breaks after 5 s alone
        budgets.append(seconds)
        return run_notebooks.Result(passed=3, failed=int(path.name[:2] in failing), complaints=["odd"])

    return compare, budgets


def test_both_overlap_in_time_without_a_limit(monkeypatch, capsys):
    compare, budgets = fake_compare()
    monkeypatch.setattr(run_notebooks, "compare", compare)
    assert at_once.main(["01", "02", "03", "04"]) == 0
    said = capsys.readouterr().out
    assert budgets == [0, 0, 0, 0] and said.endswith("12 passed, 0 failed\n")
    assert said.count("peak memory of kernel") == 2 and "01_architecture.ipynb: odd" in said


def test_a_failure_of_either_is_a_failure(monkeypatch, capsys):
    for failing in ("01", "02"):
        compare, _ = fake_compare([failing])
        monkeypatch.setattr(run_notebooks, "compare", compare)
        assert at_once.main(["01", "02"]) == 1
        assert "6 passed, 1 failed" in capsys.readouterr().out


def test_all_notebooks_are_paired_by_default(monkeypatch, capsys):
    compare, budgets = fake_compare()
    monkeypatch.setattr(run_notebooks, "compare", compare)
    assert at_once.main([]) == 0
    count = len(notebooks.find([]))
    assert len(budgets) == count + count % 2
