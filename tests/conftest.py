"""Fixtures shared by all rooms."""

import random

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _fixed_seeds():
    """Tests that draw without a generator of their own still repeat."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (the frameworks draw from the global state)


@pytest.fixture(autouse=True)
def _restore_default_scope():
    """mmengine keeps the default scope in a global; a test must not leave its own behind."""
    yield
    import sys

    if "mmengine.registry" in sys.modules:
        from mmengine.registry import DefaultScope

        DefaultScope._instance_dict.clear()
