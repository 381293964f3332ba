"""The plain transformer: every part as `Parts` makes it."""

from __future__ import annotations

from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import Parts


class Plain(Parts):
    """Nothing otherwise."""


plain = Mechanism(
    title="plain decoder",
    source="Vaswani et al. 2017, arXiv 1706.03762; SwiGLU: Shazeer 2020; rotary positions: Su et al. 2021",
    parts=Plain,
    uses=lambda shape: False,  # what is left when no other is asked for
)
