"""Everything a report may hold beside the fit; what is not given has no section."""

from __future__ import annotations

from dataclasses import dataclass, field

from allometry.fits import Diagnosis
from allometry.forecasts import Backtest, Forecast, Tournament
from allometry.history import Ledger
from allometry.notices import Refused
from allometry.plans import Deployment, Plan


@dataclass(frozen=True)
class Results:
    """What followed from one fit; `backtests` may be the refusal that says why there is none.

    `money` are the devices and prices that the panel of costs starts from.
    """

    diagnosis: Diagnosis | None = None
    plan: Plan | None = None
    forecasts: tuple[Forecast, ...] = ()
    backtests: tuple[Backtest, ...] | Refused = ()
    tournament: Tournament | None = None
    ledger: Ledger = field(default_factory=Ledger)
    money: Deployment | None = None

    @property
    def tests(self) -> tuple[Backtest, ...]:
        """The backtests that there are, in the order of the tournament."""
        if isinstance(self.backtests, Refused):
            return ()
        ranked = [standing.law for standing in self.tournament.standings] if self.tournament else []
        return tuple(sorted(self.backtests, key=lambda test: (*ranked, test.law.name).index(test.law.name)))
