"""`allometry cost train` as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from allometry.cli.main import main

LLAMA = ("cost", "train", "--shape", "llama-3-8b", "--tokens", "1T", "--hardware", "h100")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/cost_train.json").read_text()))
    return contents


def test_what_others_rely_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *LLAMA, "--devices", 16, "--batch", 256, "--context", 8192)
    assert found["flops"] == pytest.approx(5.13e22, rel=0.05)
    assert set(found["memory"]) >= {"weights", "gradients", "optimizer", "activations", "total"}
    assert found["seconds_per_step"]["low"] < found["seconds_per_step"]["value"] < found["seconds_per_step"]["high"]
    assert found["hours"]["value"] == pytest.approx(found["seconds_per_step"]["value"] * found["steps"] / 3600)
    plan = found["plan"]
    assert plan["data"] * plan["tensor"] * plan["pipeline"] * plan["context"] == found["devices"] == 16
    assert found["money"]["value"] == pytest.approx(2.95 * found["device_hours"]["value"])
    assert [warning["code"] for warning in found["warnings"]] in ([], ["old-price"])
    assert {ground["name"] for ground in found["grounds"]} >= {"factor compute", "hardware", "left out"}


def test_a_person_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *LLAMA, "--devices", 16)
    assert status == 0
    for text in ("8.03 B parameters", "seconds a step", "memory of the fullest device", "other plans that fit",
                 "[published] factor compute", "Step Law", "[assumed] left out"):  # fmt: skip
        assert text in out


def test_given_parallelism_is_kept_and_devices_default_to_the_fewest(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--tensor", 2, "--zero", 1, "--micro-batch", 1, "--recompute", "full", "--batch", 64)
    found = told(capsys, *LLAMA, *given, "--devices", 8)
    assert {name: found["plan"][name] for name in ("tensor", "zero", "micro_batch", "recompute")} == {
        "tensor": 2, "zero": 1, "micro_batch": 1, "recompute": "full"}  # fmt: skip
    fewest = told(capsys, *LLAMA, "--batch", 64)
    status, out, _ = run(capsys, *LLAMA, "--batch", 64, "--devices", fewest["devices"] // 2, "--json")
    assert status == 2
    assert json.loads(out)["error"]["code"] == "does-not-fit"


def test_plain_implementations_need_more(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--devices", 16, "--batch", 64, "--data", 16, "--zero", 1, "--micro-batch", 1)
    fused, plain = (told(capsys, *LLAMA, *given, flag)["memory"] for flag in ("--fused", "--plain"))
    assert plain["activations"] > 1.3 * fused["activations"]
    assert plain["optimizer"] == fused["optimizer"]


def test_the_users_price_wins_and_without_one_money_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        '[h100]\ndate = 2026-11-01\nsource = "invoice"\ndevice_hour = 1\nutilisation = 0.5\ncurrency = "EUR"\n'
    )
    found = told(capsys, *LLAMA, "--devices", 16, "--prices", path)
    assert found["money"]["value"] == pytest.approx(2 * found["device_hours"]["value"])
    assert found["price"]["currency"] == "EUR"
    words = [*LLAMA[:-1], "a100-80gb", "--devices", 16]
    assert told(capsys, *words)["money"] == {"value": None, "low": None, "high": None,
                                              "why": "no price of a100-80gb is known: give one in a file"}  # fmt: skip


def test_offload_and_everything_at_home_on_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*LLAMA[:-1], "h100 host_memory=3e11 host_memory_bandwidth=3e11", "--batch", 64]
    found = told(capsys, *words, "--devices", 1, "--offload", "host")
    assert found["memory"]["host"] > 0
    home = told(capsys, *words, "--offload", "hosted")
    assert home["hosted"]["seconds"]["value"] > max(home["hosted"]["compute"], home["hosted"]["weights_in"])
    assert home["money"]["value"] == pytest.approx(2.95 * home["hours"]["value"])
    assert {ground["name"] for ground in home["grounds"]} >= {"memory", "factor hosted", "factor host", "left out"}
    said = run(capsys, *words, "--offload", "hosted")[1]
    for text in ("at home on the host", "energy at full power", "money, USD", "[published] factor hosted"):
        assert text in said


def test_what_was_chosen_for_the_user_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[assumed] devices: the fewest" in run(capsys, *LLAMA, "--batch", 64)[1]
    assert "[assumed] devices" not in run(capsys, *LLAMA, "--batch", 64, "--devices", 16)[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shape", "llama-4-9b"), "the nearest are llama"),
        (("--shape", "layers=2 width=64 heads=5 ffn=256 vocab=9"), "heads=4"),
        (("--shape", "params=-3 vocab=100"), "positive"),
        (("--hardware", "h1000"), "h100"),
        (("--hardware", "h100 memory=-80e9"), "positive"),
        (("--tokens", "many"), "7B"),
        (("--tokens", "0"), "positive"),
        (("--tensor", 3), "tensor=2"),
        (("--pipeline", 5), "devices=20"),
        (("--precision", "fp3"), "bf16"),
        (("--devices", 1), "devices fit"),
        (("--offload", "moon"), "none, host, disk"),
        (("--offload", "moon", "--devices", None), "none, host, disk"),
        (("--offload", "hosted", "--hardware", "h100 host_memory_bandwidth=3e11"), "whose memory is not known"),
        (("--batch", 0), "see allometry cost train --help"),
        (("--offload", "hosted", "--tensor", 2), "one device"),
        (("--offload", "hosted"), "host_memory"),
        (("--prices", "nowhere.toml"), "cannot read"),
        (("--zero", 4), "ZeRO"),
        (("--zero", 4, "--devices", None), "ZeRO"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(
    words: tuple[object, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = dict(zip(words[::2], words[1::2], strict=True))
    base = {"--shape": "llama-3-8b", "--tokens": "1T", "--hardware": "h100", "--devices": 16, "--batch": 64, **options}
    if options.get("--offload") == "hosted":
        base["--devices"] = None
    base = {option: value for option, value in base.items() if value is not None}
    status, out, err = run(capsys, "cost", "train", *(word for pair in base.items() for word in pair))
    assert status == 2
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
