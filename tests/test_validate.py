"""What goes into a data set or a prediction: good arrays pass, and each fault is named with what to do about it."""

import numpy as np
import pytest

from utils import pipeline, shapes, validate

DRAWN = shapes.draw(4, size=32)
IMAGES, MASKS = DRAWN.images, DRAWN.masks


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32, np.int64])
def test_masks_of_0_and_1_may_have_any_dtype_and_images_become_float32(dtype):
    images, masks = validate.pair(IMAGES.astype(np.float64), MASKS.astype(dtype))
    assert images.dtype == np.float32 and np.array_equal(images, IMAGES)
    assert masks.dtype == dtype and np.array_equal(masks, MASKS)
    assert validate.images(IMAGES) is IMAGES, "what is right is not copied"
    assert validate.images(np.full((1, 2, 2, 3), 1 + 5e-7)).shape == (1, 2, 2, 3), "rounding is forgiven"
    assert validate.pair(IMAGES, DRAWN.classes[..., None], classes=6)[1].max() == DRAWN.classes.max() > 1


BAD_IMAGES = {
    "one image alone": (IMAGES[0], r"\(32, 32, 3\).*image\[None\]"),
    "no image": (IMAGES[:0], r"\(0, 32, 32, 3\)"),
    "uint8": ((IMAGES * 255).astype(np.uint8), "uint8.*/ 255"),
    "0 to 255": (IMAGES * 255, "0 to 1 is allowed: divide by 255"),
    "a little above 1": (IMAGES * 1.2, "run from .* scale them|divide"),
    "-1 to 1": (IMAGES * 2 - 1, "run from -.*scale them"),
    "NaN": (np.where(np.arange(3) == 1, np.nan, IMAGES), "4096 values that are NaN or infinite"),
    "infinite": (np.where(IMAGES == IMAGES.max(), np.inf, IMAGES), "NaN or infinite"),
}
BAD_PAIRS = {
    "no channel": (MASKS[..., 0], 2, r"\(4, 32, 32\).*masks\[..., None\]"),
    "fewer masks": (MASKS[:3], 2, r"\(3, 32, 32, 1\).*give each image a mask"),
    "smaller masks": (MASKS[:, :16], 2, "nearest neighbours"),
    "0 and 255": (MASKS * 255, 2, "hold 0, 255.*Divide by 255"),
    "interpolated": ((MASKS + np.roll(MASKS, 1, 1)) / 2, 2, "0, 0.5, 1.*interpolation"),
    "0 and 3": (MASKS * 3, 2, "hold 0, 3.*0 to 1 are allowed"),
    "divided class numbers": (DRAWN.classes[..., None] / 5, 6, "float64.*never divided"),
    "a class too many": (MASKS * 4, 4, "with 4 classes 0 to 3 are allowed. Count the background"),
    "a negative class": (MASKS.astype(int) - 1, 4, "hold -1, 0"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_named_with_what_to_do(case):
    images, words = BAD_IMAGES[case]
    with pytest.raises(ValueError, match=words):
        validate.images(images)


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_bad_masks_are_named_with_what_to_do_where_a_data_set_is_made(case):
    masks, classes, words = BAD_PAIRS[case]
    with pytest.raises(ValueError, match=words):
        pipeline.dataset(IMAGES, masks, classes=classes)


def test_an_option_is_one_of_those_allowed():
    validate.option("norm", "batch", ("batch", "none"))
    with pytest.raises(ValueError, match="norm is 'bach'; choose one of 'batch', 'none'"):
        validate.option("norm", "bach", ("batch", "none"))
