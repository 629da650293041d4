"""Other programs beside a notebook: started together, and ended in every case."""

from __future__ import annotations

import contextlib
import os
import runpy
import socket
import subprocess
import sys
import threading
import time

from utils import project


def free_port() -> int:
    """A port of this machine, 127.0.0.1, that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*commands, variables=None):
    """Run Python modules as programs of their own while the block lasts; when it ends, for whatever reason, so do they.

    If this process is killed, they notice within a second and end too, except on Windows.

    Args:
        commands: lists of a module's name and its arguments, such as ``["utils.serving", "my_unet.onnx"]``.
        variables: for each command a dict of environment variables to add; None for none.

    Yields:
        The ``subprocess.Popen`` of each, with ``said``: the lines that it has printed so far, errors included.
    """
    started = []
    try:
        for command, more in zip(commands, variables or [{}] * len(commands)):
            guarded = [sys.executable, "-m", "utils.processes", str(os.getpid()), *map(str, command)]
            pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(guarded, cwd=project.ROOT, env=os.environ | more, encoding="utf-8", **pipes)
            started.append(process)
            process.said = []
            process.reader = threading.Thread(target=process.said.extend, args=(process.stdout,), daemon=True)
            process.reader.start()
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.reader.join()
            process.stdout.close()


def end_with(parent) -> None:
    """End this process when the process with the number ``parent`` is no longer its parent."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _, parent, module, *arguments = sys.argv
    if sys.platform != "win32":
        end_with(int(parent))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
