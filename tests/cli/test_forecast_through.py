"""`allometry forecast FIT --then FIT`: two steps on the command line."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from allometry.cli import main

WORDS = ("forecast", "overtraining@gadre-redpajama", "--at", "params=6.9e9 tokens=138e9")
THEN = (*WORDS, "--then", "downstream_error@gadre-redpajama")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_second_metric_comes_with_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *THEN, "--json")
    assert status == 0
    contents = json.loads(out)
    schema = resources.files("allometry.cli").joinpath("schemas", "forecast.json").read_text()
    jsonschema.validate(contents, json.loads(schema))
    found = contents["forecasts"][0]
    assert found["metric"] == "error"
    assert found["at"] == {"params": 6.9e9, "tokens": 138e9}
    alone = json.loads(run(capsys, *WORDS, "--json")[1])["forecasts"][0]
    assert found["through"] == alone
    assert "through" not in alone


def test_people_read_both_steps(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *THEN)
    assert status == 0
    assert "through loss 2.442" in out
    assert "error" in out.splitlines()[0]


def test_a_second_fit_of_something_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, *WORDS, "--then", "chinchilla@epoch")
    assert status == 2
    assert "asks for params, tokens" in err
