"""The confinement itself: it holds where it says so, and says so where it does not."""

import shutil
import subprocess
import sys

import pytest

from tests import confine

TRY = {
    "offline": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)",
    "read-only": "open('written', 'w')",
}


def can_confine():
    """Whether this system lets its users make namespaces; containers often do not."""
    asked = ["unshare", "--map-root-user", "--net", "--mount", "ip", "link", "set", "lo", "up"]
    return (
        bool(shutil.which("unshare") and shutil.which("ip"))
        and subprocess.run(asked, capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not can_confine(), reason="namespaces cannot be made here")
@pytest.mark.parametrize(
    ("confinement", "word"), [("offline", "Network is unreachable"), ("read-only", "Read-only file system")]
)
def test_a_confined_command_cannot_get_out(confinement, word):
    asked = [sys.executable, "-m", "tests.confine", confinement, sys.executable, "-c", TRY[confinement]]
    found = subprocess.run(asked, cwd=confine.ROOT, capture_output=True, encoding="utf-8")
    assert found.returncode == 1 and word in found.stderr
    works = subprocess.run([*asked[:-1], "import sys; sys.exit(7)"], cwd=confine.ROOT)
    assert works.returncode == 7


@pytest.mark.parametrize("confinement", confine.NAMESPACE)
def test_a_command_that_would_not_be_confined_is_not_started(confinement, capsys):
    if confine.holds(confinement):
        pytest.skip("these tests run confined themselves")
    assert confine.main(["inside", confinement, sys.executable, "-c", "print('started')"]) == 2
    assert "not started" in capsys.readouterr().out


def test_a_wrong_call_explains_itself(capsys):
    assert confine.main(["on the moon", "true"]) == 2
    assert "usage" in capsys.readouterr().out
