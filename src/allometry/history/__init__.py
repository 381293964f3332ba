"""What became of fits: what they said and how that came out, what changed between two of them, copies to hand on."""

from allometry.history.causes import Cause, Effect, Row
from allometry.history.check import Checked, check
from allometry.history.diff import Diff, diff
from allometry.history.entries import PROBABILITIES, Check, Maker, Said, Spread
from allometry.history.ledger import Ledger, append, ledger_path, read_ledger, write_ledger
from allometry.history.match import WITHIN
from allometry.history.numbers import Moved
from allometry.history.say import maker, say_forecasts, say_life, say_plan
from allometry.history.share import Shared, share

__all__ = [
    "PROBABILITIES", "WITHIN", "Cause", "Check", "Checked", "Diff", "Effect", "Ledger", "Maker", "Moved", "Row", "Said", "Shared",
    "Spread", "append", "check", "diff",
    "ledger_path", "maker", "read_ledger", "say_forecasts", "say_life", "say_plan", "share", "write_ledger",
]  # fmt: skip
