"""What engines answered, append-only: live segments, the compacted table, and what of the texts is kept."""

from allometry.inference.records.folder import Records
from allometry.inference.records.lost import lost_calls
from allometry.inference.records.privacy import Keep, Line, check_options, find_hook, mask, strip_url, text_hash
from allometry.inference.records.rewrite import export, scrub
from allometry.inference.records.table import read_lines

__all__ = [
    "Keep",
    "Line",
    "Records",
    "check_options",
    "export",
    "find_hook",
    "lost_calls",
    "mask",
    "read_lines",
    "scrub",
    "strip_url",
    "text_hash",
]
