"""What engines answered, append-only: live segments, the compacted table, and what of the texts is kept."""

from allometry.inference.records.asked import Asked, characters, read_asked
from allometry.inference.records.describe import Described, EngineKept, StrategyKept, describe
from allometry.inference.records.folder import Records
from allometry.inference.records.lost import lost_calls
from allometry.inference.records.pick import pick
from allometry.inference.records.privacy import (
    Keep,
    Line,
    check_keep,
    check_options,
    find_hook,
    mask,
    strip_url,
    text_hash,
)
from allometry.inference.records.rewrite import export, scrub, to_scrub
from allometry.inference.records.table import read_columns, read_lines

__all__ = [
    "Asked",
    "Described",
    "EngineKept",
    "Keep",
    "Line",
    "Records",
    "StrategyKept",
    "characters",
    "check_keep",
    "check_options",
    "describe",
    "export",
    "find_hook",
    "lost_calls",
    "mask",
    "pick",
    "read_asked",
    "read_columns",
    "read_lines",
    "scrub",
    "strip_url",
    "text_hash",
    "to_scrub",
]
