"""Sweeps over endpoints that fail in every way lose no finished sample, and a key is in nothing that they leave."""

from __future__ import annotations

import io
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from allometry.inference import EXACT, Budget, Problem, Records, find_engine, find_strategy, read_budgets, rows, sweep
from allometry.inference.records import read_lines
from allometry.inference.strategies import list_strategies
from allometry.notices import Refused

pytestmark = pytest.mark.servers
KEY = 'sk-planted/key+of"42'
HEADER = "planted-in-a-header"
PASSWORD = "planted-for-a-proxy"
FAULTS = ("429", "500", "malformed", "html", "empty", "hangup", "half", "garbled", "slow")
PROBLEMS = [
    Problem(f"{i}", ({"role": "user", "content": f"problem {i}"},), answer="7", sample_tokens=20) for i in range(4)
]
STRATEGIES = [
    find_strategy("greedy")(),
    find_strategy("self_consistency")(samples=6),
    find_strategy("first_finish")(samples=3),
]
# Those that were run on this server from the start: it lacks nothing that they need.
STRATEGY_NAMES = ("greedy", "best_of_n", "self_consistency", "first_finish", "refine", "adaptive_self_consistency")


def failing(seed: int) -> Any:
    """Each third request fails in some way; the calls of the probe do not."""

    def fault(number: int, body: dict[str, Any]) -> str | None:
        chance = random.Random(f"{seed}/{number}")
        return chance.choice(FAULTS) if number >= 5 and chance.random() < 0.34 else None

    return fault


def received(folder: Path) -> set[int]:
    """The seeds, as a server sees them, of the samples that are whole in the records."""
    lines = [line for line in read_lines(folder) if line["kind"] == "sample" and line["finish"] != "cancelled"]
    return {int(line["key"], 16) % (1 << 31) for line in lines}


def test_under_every_fault_a_sweep_comes_to_the_same_answers(serve: Any, endpoint: Any, tmp_path: Path) -> None:
    def run(server: Any, name: str) -> list[tuple[Any, ...]]:
        with Records(tmp_path / name) as records:
            engine = endpoint(server, timeout=0.8, attempts=12)
            swept = sweep(PROBLEMS, STRATEGIES[:2], read_budgets("40:160:x2"), engine, scorer=EXACT, records=records)
        return [(one.problem, one.strategy, one.budget, one.state, one.grade, one.votes, one.answer) for one in swept]

    good = run(serve(), "good")
    server = serve(fault=failing(1))
    assert run(server, "bad") == good
    assert len({state for _, _, _, state, *_ in good} - {"answered", "truncated"}) == 0
    # what was received is asked for no more, in the same run or another
    before = len(server.bodies)
    assert run(server, "bad") == good
    assert len(server.bodies) == before


SCRIPT = """
import sys
from pathlib import Path
from allometry.inference import EXACT, Problem, Records, find_engine, find_strategy, read_budgets, sweep
from allometry.inference.engines.endpoint import faults
faults.FIRST_WAIT = 0.01
engine = find_engine(f"openai:{sys.argv[1]}#m", timeout=0.8, attempts=12, identity="m", concurrency=4)
problems = [Problem(f"{i}", ({"role": "user", "content": f"problem {i}"},), answer="7", sample_tokens=20) for i in range(12)]
with Records(sys.argv[2]) as records:
    print(len(sweep(problems, [find_strategy("self_consistency")(samples=4)], read_budgets("80"), engine, records=records)))
"""


@pytest.mark.parametrize("moment", range(4))
def test_killed_and_resumed_no_finished_sample_is_asked_for_again(moment: int, serve: Any, tmp_path: Path) -> None:
    server = serve(fault=failing(moment), latency=0.03)
    folder = tmp_path / "records"
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    command = [sys.executable, "-c", SCRIPT, server.url, str(folder)]
    process = subprocess.Popen(command, env=environment)
    when = 8 + 6 * moment  # requests, those of the probe among them
    while len(server.bodies) < when and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    finished, asked = received(folder), len(server.bodies)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "12\n"), done.stderr
    again = {body["seed"] + i for body in server.bodies[asked:] for i in range(body.get("n", 1))}
    assert not finished & again
    assert len(received(folder)) == 48
    assert not any("random letters" in str(body) for body in server.bodies[asked:]), "it was probed again"


def test_an_endpoint_that_is_down_fails_its_problems_and_they_are_asked_again(
    serve: Any, endpoint: Any, tmp_path: Path
) -> None:
    server = serve(fault=lambda number, body: "500" if number >= 5 and "problem 2" in str(body) else None)
    with Records(tmp_path) as records:
        swept = sweep(PROBLEMS, STRATEGIES[:1], [Budget(40)], endpoint(server, attempts=2), records=records)
    assert [one.state for one in swept] == ["answered", "answered", "failed", "answered"]
    assert swept[2].meter.generated_tokens == 20, "it may have been paid for"
    server.fault, before = (lambda number, body: None), len(server.bodies)
    with Records(tmp_path) as records:
        swept = sweep(PROBLEMS, STRATEGIES[:1], [Budget(40)], endpoint(server), records=records)
    assert {one.state for one in swept} == {"answered"}
    assert len(server.bodies) == before + 1


@pytest.mark.parametrize("name", [*list_strategies()])
def test_every_strategy_runs_within_its_budget(name: str, serve: Any, endpoint: Any) -> None:
    """What a server cannot do is refused before it is asked; everything else keeps within its budget."""
    maker = find_strategy(name)
    arguments = {argument: EXACT for argument, p in maker.parameters.items() if p.default is p.empty}
    try:
        engine = endpoint(serve())
        engines = dict.fromkeys(("main", *maker.roles), engine)
        swept = sweep(PROBLEMS, [maker(**arguments)], read_budgets("60:240:x2"), engines)
    except Refused as refused:
        if refused.code != "engine-lacks" or name in STRATEGY_NAMES:
            raise
        return
    assert len(rows(swept)) == 3
    assert {one.state for one in swept} <= {"answered", "truncated"}
    assert all(one.meter.generated_tokens <= float(one.budget.partition("=")[2]) for one in swept)


@contextmanager
def open_engine(server: Any, **settings: Any) -> Iterator[Any]:
    engine: Any = find_engine(f"openai:{server.url}#m", **settings)
    yield engine
    engine.close()


def test_a_planted_key_is_in_no_file_log_or_message(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    for name in [name for name in os.environ if "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Access: Token {HEADER}")
    monkeypatch.setenv("http_proxy", f"http://proxy-user:{PASSWORD}@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    caplog.set_level(logging.DEBUG)
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    said: list[str] = []
    # the body and a header of the error hold the key, at first, in the middle, and until the end of the attempts
    server = serve(
        key=KEY, fault=lambda number, body: "500" if number in (0, 6, 7) or "problem 3" in str(body) else None
    )
    with open_engine(server, attempts=2) as engine, Records(tmp_path / "records") as records:
        swept = sweep(PROBLEMS, STRATEGIES, [Budget(60)], engine, scorer=EXACT, records=records)
    said += [repr(swept), repr(rows(swept)), repr(engine.profile), str(engine.faults)]
    assert any("broken, and your header was" in one.why for one in swept)
    server.key, server.fault = "another", lambda number, body: None
    with open_engine(server) as engine, pytest.raises(Refused, match="the endpoint cannot be used") as refused:
        sweep(PROBLEMS, STRATEGIES, [Budget(60)], engine)
    said += ["".join(traceback.format_exception(refused.value)), repr(refused.value.__cause__)]
    with pytest.raises(Refused) as refused:
        find_engine(f"openai:http://me:{KEY}@host/v1?key={KEY}#m")
    said += ["".join(traceback.format_exception(refused.value))]
    monkeypatch.setenv("http_proxy", f"http://proxy-user:{PASSWORD}/@127.0.0.1:9")
    with open_engine(server) as engine, pytest.raises(Refused, match="a proxy that the environment names") as refused:
        sweep(PROBLEMS, STRATEGIES, [Budget(60)], engine)
    said += ["".join(traceback.format_exception(refused.value))]
    logging.getLogger().removeHandler(handler)
    said += [heard.getvalue(), caplog.text, *capfd.readouterr()]
    assert "HTTP" in caplog.text, "the libraries below log"
    for path in (tmp_path / "records").rglob("*"):
        said.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":  # compressed
            said.append(json.dumps(pl.read_parquet(path).to_dicts()))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["x-access"] == f"Token {HEADER}"
    for shape in (KEY, KEY[:12], json.dumps(KEY)[1:-1], PASSWORD, HEADER):
        assert not [text for text in said if shape in text], shape
    assert Counter("".join(said))["*"] >= 3, "masks stand where it was"
