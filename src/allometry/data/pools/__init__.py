"""Pools of examples: tables with embeddings, labels, losses and scores, read in batches and never whole."""

from allometry.data.pools.batch import Batch
from allometry.data.pools.keeping import check_kind, write_rows
from allometry.data.pools.pool import BATCH, EMBEDDINGS, Pool, drawn_rows, open_pool

__all__ = ["BATCH", "EMBEDDINGS", "Batch", "Pool", "check_kind", "drawn_rows", "open_pool", "write_rows"]
