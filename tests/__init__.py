"""Tests of utils and of the notebooks, and the program that executes the notebooks."""
