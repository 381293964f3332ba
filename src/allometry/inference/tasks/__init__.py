"""Problems, and what is needed to read and check answers to them."""

from allometry.inference.tasks.find import find_task, list_tasks
from allometry.inference.tasks.horizon import Horizon, measure_horizon
from allometry.inference.tasks.problem import Problem, whole_text
from allometry.inference.tasks.simulated import simulated_problems
from allometry.inference.tasks.task import Example, Steps, Task

__all__ = [
    "Example",
    "Horizon",
    "Problem",
    "Steps",
    "Task",
    "find_task",
    "list_tasks",
    "measure_horizon",
    "simulated_problems",
    "whole_text",
]
