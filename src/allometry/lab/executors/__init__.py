"""Where the runs of a ladder are trained: this machine, or a Ray cluster. Rows come back as runs end."""

from allometry.lab.executors.find import find_executor
from allometry.lab.executors.protocol import Advanced, Ended, Event, Executor, Failed, Work

__all__ = ["Advanced", "Ended", "Event", "Executor", "Failed", "Work", "find_executor"]
