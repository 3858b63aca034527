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


@pytest.fixture
def two_ray_nodes(monkeypatch):
    """A Ray cluster of two nodes of one core, to which executors connect."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        yield ray
    finally:
        ray.shutdown()
        cluster.shutdown()
