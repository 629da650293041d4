"""The answers to the exercises are checked here, in words.

Every check takes what the reader wrote and prints one of three things: that it is waiting (the stub still returns ``None``),
that the answer is right, or that it is not and which mistake it looks like. A check never raises an error, so a notebook
runs from top to bottom with all exercises unsolved.
"""

# ruff: noqa: F401 - this is the list of the checks

from utils.checks.architecture import convolution_by_hand, levels, max_pooling, receptive_field_rule, step_up, way_down
from utils.checks.building import crop_mask, double_conv, double_conv_parameters, heads, strided_level, whole_unet
from utils.checks.classes import categorical, confusion_table, iou_from_table, softmax, weights_of_classes
from utils.checks.data import blind_window, iou, joint_augmentation, one_hot, ready_mask, split_by_scene
from utils.checks.diffusion import cosine_shares, noisy_picture, one_step, time_code
from utils.checks.experiments import beyond_spread, focal_by_hand, rim_iou, same_budget
from utils.checks.own_images import mean_iou, mean_over_flips, padded, stays_together
from utils.checks.paper import mirror, moved_pair, valid_output, weights_by_hand
from utils.checks.real_images import markers_and_growth, moved_weights, object_score, on_both_sides
from utils.checks.training import best_threshold, cross_entropy, failed_runs, failures, own_training, soft_dice
from utils.checks.variants import residual_block, separable_parameters, space_to_depth
from utils.checks.visualizing import ablation, calibration_bin, error_kinds, tiles, worst_images
from utils.checks.volumes import convolution_cost, disagreement
