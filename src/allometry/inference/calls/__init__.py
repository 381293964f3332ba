"""One call and everything around it: requests, engines, budgets, meters, keys, replay, and the scope of a strategy."""

from allometry.inference.calls.budget import UNITS, Allowance, Budget, Exhausted, Halted, Ledger, read_budgets
from allometry.inference.calls.call import cut_tokens
from allometry.inference.calls.clock import Clock
from allometry.inference.calls.driver import Driver
from allometry.inference.calls.engine import (
    ABILITIES,
    Abilities,
    CallFailed,
    Engine,
    Profile,
    Stopped,
    check_needs,
    prompt_bound,
)
from allometry.inference.calls.keys import canonical, digest, parameters, prompt_hash
from allometry.inference.calls.meter import NUMBERS, Meter, meter_call
from allometry.inference.calls.place import Place
from allometry.inference.calls.recorder import Recorder, response_of
from allometry.inference.calls.request import Finish, Message, Prompt, Request, Response, Usage
from allometry.inference.calls.scope import MAIN, NOTHING, Scope
from allometry.inference.calls.sync import sample, wait

__all__ = [
    "ABILITIES",
    "MAIN",
    "NOTHING",
    "NUMBERS",
    "UNITS",
    "Abilities",
    "Allowance",
    "Budget",
    "CallFailed",
    "Clock",
    "Driver",
    "Engine",
    "Exhausted",
    "Finish",
    "Halted",
    "Ledger",
    "Message",
    "Meter",
    "Place",
    "Profile",
    "Prompt",
    "Recorder",
    "Request",
    "Response",
    "Scope",
    "Stopped",
    "Usage",
    "canonical",
    "check_needs",
    "cut_tokens",
    "digest",
    "meter_call",
    "parameters",
    "prompt_bound",
    "prompt_hash",
    "read_budgets",
    "response_of",
    "sample",
    "wait",
]
