"""What became of fits: what they said and how that came out, what changed between two of them, copies to hand on."""

from allometry.history.entries import PROBABILITIES, Check, Maker, Said, Spread
from allometry.history.ledger import Ledger, append, ledger_path, read_ledger
from allometry.history.share import Shared, share

__all__ = [
    "PROBABILITIES", "Check", "Ledger", "Maker", "Said", "Shared", "Spread", "append", "ledger_path", "read_ledger", "share",
]  # fmt: skip
