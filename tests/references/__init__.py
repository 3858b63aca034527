"""Slow NumPy loops written from the paper; they never import simhand_mm.functional."""
