"""Pruning metrics, one file each with its `METRIC`: higher scores are harder examples. Nothing lists them."""
