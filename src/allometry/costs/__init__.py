"""Model shapes and pure functions from them to parameters and FLOPs."""

from allometry.costs.shapes import Parameters, Shape, forward_flops_per_token, training_flops

__all__ = ["Parameters", "Shape", "forward_flops_per_token", "training_flops"]
