"""What is said of a running job: its end, its band, and its checkpoints against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allometry.forecasts.extrapolation import Extrapolation
from allometry.notices import Interval, Notice


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint: step, share of the way, what was measured and the band; `inside` is None where there is none."""

    step: float
    share: float
    measured: float
    expected: Interval
    inside: bool | None

    @property
    def side(self) -> str | None:
        """The side of the band it lies on where it is outside: "above" or "below"; None where it is no number."""
        low, high = self.expected.low, self.expected.high
        if self.inside is not False or low is None or high is None:
            return None
        return "above" if self.measured > high else "below" if self.measured < low else None


@dataclass(frozen=True)
class Watch:
    """A running job as `watch` found it.

    `forecast` is the metric at the end with its interval, `interval` what kind; `law_alone` what the ladder says without
    the run's own checkpoints, `law_and_offset` the same moved by how far the last of them is off the law; `outside`
    whether the last checkpoints lie outside the band, `since` the step where it left; `clock` the column that steps are
    counted in; `share` how much of the way is done; `end` the law's axes at the end; `learned_from` the number of
    finished runs whose way was used, `ladder` of those that the law was fitted to.
    """

    run: str
    law: str
    metric: str
    level: float
    clock: str
    share: float
    end: Mapping[str, float]
    forecast: Interval
    interval: str
    law_alone: float
    law_and_offset: float
    outside: bool
    since: float | None
    band: tuple[Checkpoint, ...]
    learned_from: int
    ladder: int
    extrapolation: Extrapolation
    notices: tuple[Notice, ...]

    @property
    def side(self) -> str | None:
        """On which side of the band the run is, "above" or "below"; None where it is not outside, or is no number."""
        return self.band[-1].side if self.outside else None
