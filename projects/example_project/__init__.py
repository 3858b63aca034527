"""Example project: a weight function and a rule for positives that are not in the paper."""

from projects.example_project.weighting import gaussian_weighting

__all__ = ["gaussian_weighting"]
