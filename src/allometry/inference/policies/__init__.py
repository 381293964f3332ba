"""Plans of test time from sweeps, and policies: what is planned, as a file that answers."""

from allometry.inference.policies.allocation import Allocated, allocate
from allometry.inference.policies.best import all_at_once, may_be_best
from allometry.inference.policies.goal import LIFE, Goal
from allometry.inference.policies.life import Life, Way, break_even, ways, with_life
from allometry.inference.policies.making import Held, hold, policy_of
from allometry.inference.policies.plan import Promise, TestTime, plan_table, plan_test_time
from allometry.inference.policies.policy import Leaf, Policy, Served, Split
from allometry.inference.policies.rules import SEEN, Known, Rule, Seen
from allometry.inference.policies.simulated import simulated_table
from allometry.inference.policies.table import Cell, Table, kinds_of, make_table
from allometry.inference.policies.telling import tell_held, tell_plan

__all__ = [
    "LIFE",
    "SEEN",
    "Allocated",
    "Cell",
    "Goal",
    "Held",
    "Known",
    "Leaf",
    "Life",
    "Policy",
    "Promise",
    "Rule",
    "Seen",
    "Served",
    "Split",
    "Table",
    "TestTime",
    "Way",
    "all_at_once",
    "allocate",
    "break_even",
    "hold",
    "kinds_of",
    "make_table",
    "may_be_best",
    "plan_table",
    "plan_test_time",
    "policy_of",
    "simulated_table",
    "tell_held",
    "tell_plan",
    "ways",
    "with_life",
]
