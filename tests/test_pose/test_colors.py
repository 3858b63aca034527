import cv2
import numpy as np
import pytest
from mmpretrain.datasets.transforms import ColorJitter as ColorJitterOfMmpretrain

from simhand_mm.pose import ColorJitter


@pytest.fixture
def image():
    """Smooth, so that all colours have neighbours."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_CUBIC)


RANGES = {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.15}
# Largest and mean difference from PIL, in units of 1/255. PIL keeps colours as 8-bit HSV, too, but
# rounds hues differently.
BOUNDS = {"brightness": (0, 0), "contrast": (2, 0.2), "saturation": (2, 1), "hue": (20, 2)}


@pytest.mark.parametrize("names", [*([name] for name in RANGES), list(RANGES)], ids="-".join)
def test_equals_mmpretrains_with_the_same_seed(image, names):
    ranges = {name: RANGES[name] for name in names}
    largest, mean = BOUNDS[names[0]] if len(names) == 1 else (30, 3)
    for seed in range(20):
        np.random.seed(seed)  # noqa: NPY002
        expected = ColorJitterOfMmpretrain(**{**dict.fromkeys(RANGES, 0.0), **ranges}).transform(
            {"img": image.copy()}
        )["img"]
        np.random.seed(seed)  # noqa: NPY002
        found = ColorJitter(**ranges)({"img": image.copy()})["img"]
        difference = np.abs(found.astype(int) - expected)
        assert difference.max() <= largest and difference.mean() <= mean


def test_without_ranges_nothing_changes(image):
    np.testing.assert_array_equal(ColorJitter()({"img": image.copy()})["img"], image)


def test_shares(image):
    """A share of 0.7 is changed, a share of 0.05 becomes grey."""
    np.random.seed(0)  # noqa: NPY002
    jitter = ColorJitter(brightness=0.4, prob=0.7, gray_prob=0.3)
    found = [jitter({"img": image.copy()})["img"] for _ in range(400)]
    gray = np.array([(np.ptp(pixels, axis=-1) == 0).all() for pixels in found])
    kept = np.array([np.array_equal(pixels, image) for pixels in found])
    assert gray.mean() == pytest.approx(0.3, abs=0.07)
    assert kept.mean() == pytest.approx(0.3 * 0.7, abs=0.07)
