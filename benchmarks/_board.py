"""Which forecasts are on the board: every published table with a law and a natural held-out scale."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import _board_others as others
import _board_tables as tables
from _board_case import Case
from _report import published_table

PARTS = (
    (("gadre_overtraining",), tables.gadre),
    (("chinchilla_epoch", "kyotakano_llm"), tables.hoffmann),
    (("misfitting_final", "misfitting_checkpoints"), tables.misfitting),
    (("parscale",), tables.parscale),
    (("data_constrained",), tables.data_constrained),
    (("steplaw_dense",), tables.step_law),
    (("xlstm_isoflop",), tables.xlstm),
    (("porian_compute_optimal",), tables.porian),
    (("vocab_scaling",), tables.vocabulary),
    (("bnsl_addition",), others.bnsl),
    (("obs_scaling_base",), others.observational),
    (("obs_scaling_instruct_agent",), others.instruct),
    (("monkeys_pythia_math",), others.monkeys),
    (("languini_throughput",), others.throughput),
    (("xlstm_inference_latency",), others.latency),
)
# the five open splits on which other tools were measured
FIVE = (
    ("gadre", "rpj"),
    ("gadre", "c4_original"),
    ("gadre", "rw_original"),
    ("epoch", "240 rows"),
    ("misfitting", "final"),
)
OFF_BOARD = {
    "o1mini_aime": "accuracy by tokens generated: no law of the catalogue takes that axis",
    "steplaw_published_bootstrap_fits": "fits, no measurements",
    "data_mixing_laws": "the mixing law has no axis of scale, and the largest model has one checkpoint a mixture",
    "obs_scaling_instruct_agent, agents": "agent scores by capability: no law takes a capability alone",
    "xlstm_isoflop, xlstm at 8192": "one budget only",
    "xlstm_inference_latency, by context": "time by context is what a cost model computes; no law takes it",
    "misfitting_checkpoints, schedules": "the decay of the learning rate is not in the table, which annealing and "
    "multi_power need",
}  # fmt: skip


def board_cases() -> Iterator[Case]:
    """Every case of the board in order; tables that are not in the folder of ALLOMETRY_DATA are left out."""
    for names, made in PARTS:
        if all(published_table(f"{name}.csv") for name in names):
            yield from made()


def missing() -> tuple[str, ...]:
    """Tables of the board that are not in the folder."""
    names = chain.from_iterable(names for names, _ in PARTS)
    return tuple(name for name in names if published_table(f"{name}.csv") is None)


def five_splits() -> tuple[Case, ...]:
    """The five open splits, in the order of `FIVE`."""
    cases = {
        (case.group, case.name): case for made in (tables.gadre, tables.hoffmann, tables.misfitting) for case in made()
    }
    return tuple(cases[key] for key in FIVE)
