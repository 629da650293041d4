"""Run a command without a network, or with the project's folder read-only: ``make offline-check``, ``make read-only-check``.

usage: python -m tests.confine {offline,read-only} command ...

Both are done with namespaces of Linux (``unshare`` of util-linux), which need no rights of an administrator on most systems.
Before the command starts it is tried that the confinement holds: no address can be reached but the machine's own, or no file
can be written in the project.
"""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = "192.0.2.1"
"""An address that is reserved for examples (RFC 5737)."""

NAMESPACE = {"offline": "--net", "read-only": "--mount"}
PREPARE = {
    "offline": "ip link set lo up",
    "read-only": 'mount --bind "$ROOT" "$ROOT" && mount -o remount,bind,ro "$ROOT" && cd "$ROOT"',
}


def holds(confinement) -> bool:
    """Whether this process is confined.

    Args:
        confinement: ``"offline"`` or ``"read-only"``.
    """
    if confinement == "read-only":
        try:
            with tempfile.TemporaryFile(dir=ROOT):
                return False
        except OSError as error:
            return error.errno == errno.EROFS
    with socket.socket() as reached:
        reached.settimeout(5)
        return reached.connect_ex((OUTSIDE, 80)) == errno.ENETUNREACH


def confined(confinement, command) -> list[str]:
    """The command line that runs a command confined, from the project's folder."""
    inside = [sys.executable, "-m", "tests.confine", "inside", confinement, *command]
    shell = f'{PREPARE[confinement]} && exec "$@"'
    return [
        "unshare",
        "--map-root-user",
        NAMESPACE[confinement],
        "env",
        f"ROOT={ROOT}",
        "sh",
        "-c",
        shell,
        "sh",
        *inside,
    ]


def main(arguments=None) -> int:
    """The command line; the exit code is that of the command."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["inside"]:
        if not holds(arguments[1]):
            print(f"The command was not started: it would not be confined ({arguments[1]}).")
            return 2
        return subprocess.run(arguments[2:]).returncode
    if len(arguments) < 2 or arguments[0] not in NAMESPACE:
        print(__doc__)
        return 2
    if not shutil.which("unshare"):
        print("This needs Linux and its command unshare; nothing was run.")
        return 2
    return subprocess.run(confined(arguments[0], arguments[1:]), cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
