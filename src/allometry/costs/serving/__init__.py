"""Serving: requests, deployments, and a simulator of iteration-level batching that ranks one against the other."""

from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.loads import generate_trace
from allometry.costs.serving.reading import read_trace
from allometry.costs.serving.roofline import Roofline
from allometry.costs.serving.served import Served
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.traces import Trace, trace_of

__all__ = ["Deployment", "Goals", "Roofline", "Served", "Trace", "generate_trace", "read_trace", "simulate", "trace_of"]
