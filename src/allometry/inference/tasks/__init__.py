"""Problems, and what is needed to read and check answers to them."""

from allometry.inference.tasks.find import find_task, list_tasks
from allometry.inference.tasks.horizon import Horizon, measure_horizon
from allometry.inference.tasks.problem import Problem, whole_text
from allometry.inference.tasks.readers import READERS, Reader, find_reader, last_json, last_number
from allometry.inference.tasks.reading import read_problems
from allometry.inference.tasks.simulated import simulated_problems
from allometry.inference.tasks.task import Example, Steps, Task

__all__ = [
    "READERS",
    "Example",
    "Horizon",
    "Problem",
    "Reader",
    "Steps",
    "Task",
    "find_reader",
    "find_task",
    "last_json",
    "last_number",
    "list_tasks",
    "measure_horizon",
    "read_problems",
    "simulated_problems",
    "whole_text",
]
