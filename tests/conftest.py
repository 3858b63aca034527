"""Fixtures shared by all tests."""

import random

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _fixed_seeds():
    """Make tests repeatable that use global random generators."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (the frameworks draw from the global state)


@pytest.fixture(autouse=True)
def _restore_default_scope():
    """Restore the default scope of mmengine, which is global, after each test."""
    yield
    import sys

    if "mmengine.registry" in sys.modules:
        from mmengine.registry import DefaultScope

        DefaultScope._instance_dict.clear()


@pytest.fixture
def two_ray_nodes(monkeypatch):
    """A Ray cluster of two nodes with one core each, to which executors connect."""
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
