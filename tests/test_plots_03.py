"""The figures of notebook 03 draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import cost, plots, unet

COSTS = {
    (depth, base): (1000 * base**2 * 4**depth, 10**6 * base**2 * depth, 10**5 * base, 20 * depth)
    for depth in (1, 2, 3)
    for base in (4, 8)
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_bar_goes_from_one_to_the_ratio():
    figure, _ = plots.cost_of_size.__wrapped__(COSTS, depth=2, base=4)
    ends = [bar.get_x() + bar.get_width() for bar in figure.axes[0].patches]
    assert np.allclose([bar.get_x() for bar in figure.axes[0].patches], 1)
    assert np.allclose(ends, [1 / 16, 1 / 6, 1 / 2, 2 / 3])


def test_amounts_stand_beside_the_bars_and_in_the_text():
    figure, alt = plots.cost_of_size.__wrapped__(COSTS, depth=3, base=4, than=(1, 4))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["× 16   1,024,000", "× 3.0   48.0 million", "× 1.0   0.4 MB", "× 3.0   60 px"]
    assert alt == (
        "Depth 3, base 4 against depth 1, base 4: parameters × 16, MACs × 3.0, activation memory × 1.0, receptive field × 3.0; "
        "its receptive field is 60 px."
    )


def test_pictures_of_all_settings_share_one_axis():
    def axis_of(depth, base):
        axis = plots.cost_of_size.__wrapped__(COSTS, depth=depth, base=base)[0].axes[0]
        return axis.get_xlim(), list(axis.get_xticks()), [tick.get_text() for tick in axis.get_xticklabels()]

    assert axis_of(1, 4) == axis_of(3, 8)
    limits, ticks, labels = axis_of(2, 8)
    assert limits[0] < ticks[0] and ticks[-1] < limits[1]
    assert "× 1" in labels and "× 1/4" in labels


def test_the_smallest_and_the_largest_bar_lie_inside_the_axis():
    ratios = np.array(list(COSTS.values())) / COSTS[3, 8]
    low, high = plots.cost_of_size.__wrapped__(COSTS, depth=1, base=4)[0].axes[0].get_xlim()
    assert low < ratios.min() and ratios.max() < high


def test_stages_are_named_and_their_shares_add_up():
    rows = cost.layer_table(unet.build_unet((16, 16, 3), depth=2, base=2, norm="none"))
    figure, _ = plots.cost_by_stage.__wrapped__(rows)
    stages = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert stages == ["enc1", "enc2", "bottleneck", "dec2", "dec1"]
    for axis in figure.axes:
        assert np.isclose(sum(bar.get_width() for bar in axis.patches), 100)


def test_the_window_of_the_output_is_centred_and_the_mask_cropped_to_it():
    mask = np.arange(64).reshape(8, 8, 1) / 63
    figure, alt = plots.output_window.__wrapped__(np.zeros((8, 8, 3)), mask, 4)
    image, whole, cropped = figure.axes
    assert np.array_equal(cropped.images[0].get_array(), mask[2:6, 2:6, 0])
    for axis in (image, whole):
        assert [(box.get_xy(), box.get_width()) for box in axis.patches] == [((1.5, 1.5), 4)] * 2
    assert "25% of the area" in alt


def test_channels_share_one_scale():
    features = np.stack([np.full((4, 4), value, np.float32) for value in (-1.0, 0.0, 3.0)], axis=-1)[None]
    figure, _ = plots.channels.__wrapped__(features, alt="Three even greys.")
    assert [axis.images[0].get_clim() for axis in figure.axes[:3]] == [(-1, 3)] * 3
    assert [axis.get_title() for axis in figure.axes[:3]] == ["channel 1", "channel 2", "channel 3"]


def test_the_change_of_a_signal_is_told_in_powers_of_ten():
    figure, alt = plots.signal_strength.__wrapped__(
        {"up": [1.0, 30.0, 1000.0], "even": [1.0, 1.1, 1.0], "down": [1, 0.1, 0.01]}
    )
    assert [list(line.get_ydata()) for line in figure.axes[0].lines][0] == [1.0, 30.0, 1000.0]
    assert "up: 10 to the +3; even: 10 to the 0; down: 10 to the -2." in alt
    assert len({line.get_linestyle() + str(line.get_marker()) for line in figure.axes[0].lines}) == 3, "colour alone"
