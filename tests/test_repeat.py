"""``make repeat`` calls ``make test`` as often as it is told, up to the first failure; a script takes the place of Python."""

import os
import shutil
import subprocess

import pytest

from tests import notebooks

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")

# Within `make test` this make would be a make in a make: it would print the folder it enters, and take over options.
OUTSIDE_MAKE = {
    name: value
    for name, value in os.environ.items()
    if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "GNUMAKEFLAGS")
}


@pytest.fixture
def repeat(tmp_path):
    """A function that calls ``make repeat`` with a Python that fails at its run of that number, and counts its runs."""

    def call(times, fails_at=0):
        (tmp_path / "bin").mkdir()
        runs, python = tmp_path / "runs", tmp_path / "bin" / "python"
        python.write_text(f'#!/bin/sh\necho "$@" >> {runs}\n[ $(wc -l < {runs}) -ne {fails_at} ]\n')
        python.chmod(0o755)
        (tmp_path / ".complete").touch()
        done = subprocess.run(
            ["make", "repeat", f"TIMES={times}", "NB=01", f"VENV={tmp_path}"],
            cwd=notebooks.ROOT,
            env=OUTSIDE_MAKE,
            capture_output=True,
            encoding="utf-8",
        )
        return done, runs.read_text().splitlines() if runs.exists() else []

    return call


def test_every_run_is_counted(repeat):
    done, runs = repeat(3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [f"run {k} of 3 passed" for k in (1, 2, 3)]
    assert runs == ["-m tests.run_notebooks test 01"] * 3


def test_the_first_failure_ends_it(repeat):
    done, runs = repeat(4, fails_at=2)
    assert done.returncode != 0 and len(runs) == 2
    assert "run 1 of 4 passed" in done.stdout and "run 2 of 4 failed" in done.stdout and "3 of 4" not in done.stdout


@pytest.mark.parametrize("times", ["0", "many"])
def test_a_number_that_runs_nothing_is_refused(repeat, times):
    done, runs = repeat(times)
    assert done.returncode != 0 and not runs and f"TIMES is '{times}'" in done.stdout
