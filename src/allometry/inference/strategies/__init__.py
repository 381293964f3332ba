"""Strategies, one file each."""

from allometry.inference.strategies.find import find_strategy, list_strategies
from allometry.inference.strategies.reading import read_strategy, strategy_named
from allometry.inference.strategies.strategy import Answer, Maker, Strategy, strategy

__all__ = [
    "Answer",
    "Maker",
    "Strategy",
    "find_strategy",
    "list_strategies",
    "read_strategy",
    "strategy",
    "strategy_named",
]
