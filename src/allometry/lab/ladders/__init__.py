"""Ladders: the file that declares one, what it takes, and its folder of rows. What trains is loaded where it is used."""

from allometry.lab.ladders.declaration import Ladder, ladder_of, read_ladder
from allometry.lab.ladders.folder import Folder
from allometry.lab.ladders.planning import LadderPlan, interpolated_pace, most_memory, plan_ladder, roofline_pace
from allometry.lab.ladders.running import Outcome, run_ladder

__all__ = [
    "Folder",
    "Ladder",
    "LadderPlan",
    "Outcome",
    "interpolated_pace",
    "ladder_of",
    "most_memory",
    "plan_ladder",
    "read_ladder",
    "roofline_pace",
    "run_ladder",
]
