"""The figures of notebook 04 draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import plots, training


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def history(ious):
    epochs = len(ious)
    times = [10.0 * k for k in range(1, epochs + 1)]
    return training.History([100 * k for k in range(1, epochs + 1)], times, [0.5] * epochs, [0.6] * epochs, list(ious))


def test_marked_pixels_lie_at_their_loss():
    figure, _ = plots.cross_entropy_curves.__wrapped__([1, 0], [0.9, 0.2])
    marked = [line.get_xydata()[0] for line in figure.axes[0].lines if len(line.get_xydata()) == 1]
    assert np.allclose(marked, [[0.9, -np.log(0.9)], [0.2, -np.log(0.8)]])


def test_training_curves_show_every_epoch_of_both_losses_and_the_score():
    figure, _ = plots.training_curves.__wrapped__(history([0.2, 0.6, 0.9]))
    left, right = figure.axes
    assert [list(line.get_ydata()) for line in left.lines] == [[0.5] * 3, [0.6] * 3]
    assert list(right.lines[0].get_ydata()) == [0.2, 0.6, 0.9]


def test_the_threshold_is_marked_and_its_masks_are_shown():
    truth = np.zeros((2, 8, 8, 1), np.uint8)
    truth[:, 2:6, 2:6] = 1
    probability = np.where(truth, 0.6, 0.3)
    for threshold, shown in ((0.2, 1), (0.5, truth[0, ..., 0]), (0.8, 0)):
        figure, alt = plots.threshold_masks.__wrapped__(
            truth, probability, [0.2, 0.5, 0.8], [0.7, 0.9, 0.6], threshold=threshold
        )
        hill, *small = figure.axes
        score = {0.2: 0.7, 0.5: 0.9, 0.8: 0.6}[threshold]
        assert hill.lines[1].get_xydata().tolist() == [[threshold, score]]
        assert len(small) == 2 and (small[0].images[0].get_array() == shown).all()
        assert f"{threshold:.2f}" in alt and figure.get_size_inches()[0] <= plots.WIDTH


def test_runs_are_compared_on_images_and_on_seconds():
    figure, _ = plots.compare_runs.__wrapped__({"a": history([0.3, 0.8]), "b": history([0.1, 0.2, 0.3])})
    images, seconds = figure.axes
    assert [list(line.get_xdata()) for line in images.lines] == [[100, 200], [100, 200, 300]]
    assert [list(line.get_xdata()) for line in seconds.lines] == [[10, 20], [10, 20, 30]]
    assert len({line.get_linestyle() + line.get_marker() for line in images.lines}) == 2, "colour alone"


def test_recalls_are_bars_of_their_height():
    recalls = {"a": {"filled": 0.9, "outlined": 0.5}, "b": {"filled": 0.8, "outlined": 0.7}}
    figure, _ = plots.recall_by_style.__wrapped__(recalls)
    assert sorted(bar.get_height() for bar in figure.axes[0].patches) == [0.5, 0.7, 0.8, 0.9]


def test_every_seed_is_a_dot():
    rows = [{"network": n, "iou": k / 10, "filled": 0.9, "outlined": 0.8} for n in "ab" for k in (5, 6, 7)]
    figure, _ = plots.seed_spread.__wrapped__(rows)
    dots = [line for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert [sorted(line.get_xdata()) for line in dots] == [[0.5, 0.6, 0.7]] * 2


@pytest.mark.parametrize("epochs", [1, 5])
def test_all_figures_have_a_description(epochs):
    pictures = np.zeros((2, 8, 8, 1))
    figures = [
        plots.overfitting.__wrapped__([0.7, 0.1], np.zeros((2, 8, 8, 3)), pictures, pictures),
        plots.learning_rate.__wrapped__([0.1, 0.2]),
        plots.training_curves.__wrapped__(history([0.5] * epochs)),
        plots.side_by_side.__wrapped__([[pictures[0], pictures[1]]] * epochs, ["a", "b"]),
    ]
    for figure, alt in figures:
        assert len(alt) > 40 and figure.get_size_inches()[0] <= plots.WIDTH + 0.01


def test_shares_of_multiplications_and_time_stand_side_by_side():
    levels = [("64 x 64", 0.25, 0.3, 0.15), ("32 x 32", 0.5, 0.1, 0.05)]
    figure, alt = plots.products_and_time.__wrapped__(levels)
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers if hasattr(bars, "patches")]
    assert np.allclose(heights, [[0.25, 0.5], [0.3, 0.1], [0.15, 0.05]])
    stacked = figure.axes[0].containers[2].patches
    assert np.allclose([bar.get_y() for bar in stacked], [0.3, 0.1]), "all else stands on the convolutions"
    assert "0.25 and 0.45" in alt and "0.50 and 0.15" in alt
