"""The answers to the exercises are checked here, in words.

Every check takes what the reader wrote and prints one of three things: that it is waiting (the stub still returns ``None``),
that the answer is right, or that it is not and which mistake it looks like. A check never raises an error, so a notebook
runs from top to bottom with all exercises unsolved.
"""

from utils.checks.architecture import max_pooling, receptive_field_rule
from utils.checks.base import Waiting, call, check, number
from utils.checks.building import double_conv_parameters, strided_level
from utils.checks.data import iou, joint_augmentation
from utils.checks.training import best_threshold, cross_entropy
from utils.checks.visualizing import calibration_bin, error_kinds

__all__ = [
    "check",
    "Waiting",
    "call",
    "number",
    "max_pooling",
    "receptive_field_rule",
    "iou",
    "joint_augmentation",
    "strided_level",
    "double_conv_parameters",
    "cross_entropy",
    "best_threshold",
    "error_kinds",
    "calibration_bin",
]
