"""Measurements that keep the series fast: ``make bench``. A module that asks a question has ``tables(quick)``, which answer it.

What is compared is measured in turn, several times; median and range stand in the table. What is cold at its start, or is asked
for its memory, gets a process of its own.
"""

import contextlib
import io

from utils import project

with contextlib.redirect_stdout(io.StringIO()):
    project.start()  # before TensorFlow is loaded, in every process: it sets what TensorFlow reads then
