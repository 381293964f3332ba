"""`allometry plan --inference-tokens` with further axes, as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main

STREAMS = ("plan", "parscale@pile", "--fix", "tokens=42B", "--loss", "1.8", "--inference-tokens", "2T")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/plan.json").read_text()))
    return contents


def test_json_has_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    contents = told(capsys, *STREAMS, "--among", "streams=1,2,4,8")
    plan, found = contents["plan"], contents["joint"]
    assert plan["streams"]["value"] == 1
    assert plan["tokens"]["value"] == 42e9
    assert [one["setting"]["streams"] for one in found["choices"]] == [1, 2, 4, 8]
    assert found["training"]["value"] + found["serving"]["value"] == pytest.approx(found["total"]["value"])
    assert "lifetime" not in contents


def test_experts_through_a_second_law(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("plan", "chinchilla@epoch", "--then", "moe_leverage@ling", "--loss", 2, "--inference-tokens", "2T",
             "--among", "activation=1,0.1,0.03", "--among", "granularity=4,12")  # fmt: skip
    contents = told(capsys, *words)
    assert contents["plan"]["activation"]["value"] == 0.03
    assert {warning["code"] for warning in contents["warnings"]} == {"choice-at-end"}
    monkeypatch.setenv("COLUMNS", "140")
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "activation=0.03 granularity=12" in " ".join(out.split())
    assert "[assumed] experts" in out


def test_samples_through_a_fit_of_coverage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loss, samples = (a.ravel() for a in np.meshgrid(np.linspace(1.9, 2.6, 6), [1, 2, 4, 8, 16, 32]))
    noise = np.exp(np.random.default_rng(0).normal(0, 0.02, len(loss)))
    covered = np.exp(-0.02 * np.exp(2.0 * loss) * samples**-0.1 * noise)
    table, fit = tmp_path / "coverage.csv", tmp_path / "coverage.json"
    table.write_text(
        "loss,samples,coverage\n"
        + "\n".join(f"{a:.8g},{b:g},{c:.8g}" for a, b, c in zip(loss, samples, covered, strict=True))
    )
    law = "exp(-a * exp(b * loss) * samples**-c)"
    assert run(capsys, "fit", table, "--law", law, "--target", "coverage", "--bootstrap", 30, "--out", fit)[0] == 0
    words = ("plan", "chinchilla@epoch", "--then", fit, "--accuracy", 0.25, "--among", "samples=1,4,16")
    few, many = (told(capsys, *words, "--inference-tokens", served) for served in ("1e9", "1e15"))
    # the more is served, the dearer an answer of many samples
    assert few["plan"]["samples"]["value"] > many["plan"]["samples"]["value"]
    assert few["metric"] == "coverage"
    assert few["joint"]["choices"][0]["share_of_draws"] is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*STREAMS, "--among", "streams=1,2", "--flops", "1e22"), "holds a quality"),
        ((*STREAMS, "--among", "streams=1,2", "--accuracy", "0.5"), "holds a quality"),
        ((*STREAMS[:4], "--accuracy", "0.5", *STREAMS[6:], "--among", "streams=1,2"), "give --loss"),
        ((*STREAMS, "--among", "streams=1,2", "--at-most", "tokens=1B"), "bounded otherwise"),
        ((*STREAMS,), "the law also depends on streams"),
        ((*STREAMS, "--among", "streams=1,1.5"), "streams cannot be 1.5"),
        (("plan", "parscale@pile", "--loss", "1.8", "--inference-tokens", "2T", "--among", "streams=1,2"), "tokens=VALUE"),
        (("plan", "chinchilla@epoch", "--loss", "2", "--then", "moe_leverage@ling"), "plans over a model's life"),
        (("plan", "chinchilla@epoch", "--loss", "2", "--inference-tokens", "1T", "--then", "step_batch@steplaw"), "no axis loss"),
        (("plan", "data_constrained@muennighoff2023", "--loss", "2.3", "--inference-tokens", "1T",
          "--among", "unique_tokens=1e11,1e12"), "what unique_tokens costs is not known"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *words)
    assert status == 2
    assert not out
    assert says in " ".join(err.split())
