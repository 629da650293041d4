"""Measurements that keep the series fast: ``make bench``. Each module makes the tables of one question.

A module has a docstring whose first line is its question, and ``tables(quick)``, which returns a list of
:class:`~tests.benchmarks.bench.measure.Table`. It runs in a process of its own. Every comparison is a ratio of two things that
were measured in turn, in one run, several times; the spread stands beside it.
"""
