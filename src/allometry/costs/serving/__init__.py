"""Serving: requests, deployments, and a simulator of iteration-level batching that ranks one against the other."""

from allometry.costs.serving.caution import cautious_plan, load_spread
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import RANKS, Goals
from allometry.costs.serving.loads import generate_trace
from allometry.costs.serving.measured import MeasuredSteps, read_step_times
from allometry.costs.serving.plan import Plan
from allometry.costs.serving.plans import Ranking, rank_plans
from allometry.costs.serving.reading import read_trace
from allometry.costs.serving.roofline import Roofline
from allometry.costs.serving.screening import Demand, Screened, screen
from allometry.costs.serving.served import Served, Spread
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.space import Space, deployments_of
from allometry.costs.serving.spread import factor_spread
from allometry.costs.serving.step_times import Pace, Prefill, StepTimes
from allometry.costs.serving.traces import Trace, trace_of

__all__ = [
    "RANKS",
    "Demand",
    "Deployment",
    "Goals",
    "MeasuredSteps",
    "Pace",
    "Plan",
    "Prefill",
    "Ranking",
    "Roofline",
    "Screened",
    "Served",
    "Space",
    "Spread",
    "StepTimes",
    "Trace",
    "cautious_plan",
    "deployments_of",
    "factor_spread",
    "generate_trace",
    "load_spread",
    "rank_plans",
    "read_step_times",
    "read_trace",
    "screen",
    "simulate",
    "trace_of",
]
