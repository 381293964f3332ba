"""Who says that something matters, and how we know that they say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["seen", "recalled", "proposed"]


@dataclass(frozen=True)
class Source:
    """A reference and what it says; `status` is seen (in the source), recalled (second hand) or proposed (ours)."""

    text: str
    status: Status


_GUIDE = "Choshen, Zhang and Andreas 2024, A Hitchhiker's Guide to Scaling Law Estimation, arXiv 2410.11840"
_REPLICATION = "Besiroglu et al. 2024, Chinchilla Scaling: A replication attempt, arXiv 2404.10102"
_DISCREPANCIES = "Porian et al. 2024, Resolving Discrepancies in Compute-Optimal Scaling, arXiv 2406.19146"
_MISFITTING = "Li, Kudugunta and Zettlemoyer 2025, (Mis)Fitting: A Survey of Scaling Laws, arXiv 2502.18969"

CHECKPOINTS = Source(
    f"{_GUIDE}: fits on intermediate checkpoints forecast better than fits on final losses alone, taking the effect of "
    "the learning-rate schedule on them as negligible",
    "seen",
)
EARLY_TOKENS = Source(f"{_GUIDE}: leave out the first 10B tokens of a run", "seen")
FEW_MODELS = Source(f"{_GUIDE}: five models or more; more models before larger ones", "seen")
SEEDS = Source(f"{_GUIDE}: losses vary much from seed to seed, so several small models may beat one large one", "seen")
NEAR_TARGET = Source(
    f"{_GUIDE}: models nearer to the target's size help, though neither strongly nor without exception", "seen"
)
BORROW = Source(
    f"{_GUIDE}: with the parameters of model size from an earlier study, one model of a new family may suffice", "seen"
)
FAMILIES = Source(f"{_GUIDE}: the parameters of the law differ much between families of models", "seen")
FEW_ROWS = Source(
    f"{_REPLICATION}: the authors' analysis leaves out the five highest losses of 245 runs before fitting", "seen"
)
TUNING = Source(
    f"{_DISCREPANCIES}: tuning that does not follow scale, and warm-up too long for small models, move the optimum",
    "seen",
)
COUNTING = Source(
    f"{_DISCREPANCIES}: leaving the last layer out of the compute was one of three causes of another optimum", "seen"
)
CHOICES = Source(f"{_MISFITTING}: each detail of setup and fit may change the law that is found", "seen")
DECAY = Source(
    "Hoffmann et al. 2022, arXiv 2203.15556: a loss taken before the schedule has ended lies above that of a run whose "
    "schedule ends there",
    "recalled",
)
OWN = Source("this package: follows from the fit itself", "proposed")
