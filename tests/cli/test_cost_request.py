"""`allometry cost request` and `cost calibrate` as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.costs import Execution, find_hardware, find_shape
from allometry.inference.calls import Abilities, Profile, Response, Usage
from allometry.inference.calls import Request as InferenceRequest
from allometry.timings import Measurement, read_measurements

QWEN = ("request", "--shape", "qwen3-8b", "--prompt", 128, "--generated", 10_000, "--hardware", "h200")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["cost", *(str(word) for word in words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    schema = files("allometry.cli").joinpath(f"schemas/cost_{words[0]}.json").read_text()
    jsonschema.validate(contents, json.loads(schema))
    return contents


@pytest.mark.parametrize(("samples", "compute", "memory"), [(1, 194.05, 4253.37), (32, 6209.48, 132816.57)])
def test_kinetics_figures(capsys: pytest.CaptureFixture[str], samples: int, compute: float, memory: float) -> None:
    found = told(capsys, *QWEN, "--samples", samples, "--intensity", 562.5)
    assert found["compute_flops"] / 1e12 == pytest.approx(compute, rel=1e-4)
    assert 562.5 * found["memory_bytes"] / 1e12 == pytest.approx(memory, rel=1e-6)
    assert found["eflops"] == pytest.approx(found["compute_flops"] + 562.5 * found["memory_bytes"])
    assert found["decode"]["flops"] < found["compute_flops"]  # exact: the embedding is no product


def test_without_an_exchange_the_hardwares_own_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *QWEN)
    assert found["intensity"] == pytest.approx(989.4e12 / 4.8e12)
    assert found["seconds"]["low"] < found["seconds"]["value"] < found["seconds"]["high"]
    assert set(found["factors"]) >= {"memory", "cache", "layer", "time"}
    assert found["factors"]["cache"]["provenance"] == "assumed"
    assert sum(found["parts"].values()) == pytest.approx(found["seconds"]["value"])


def test_every_option_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[h200]\ndate = 2020-01-01\nsource = "old"\ndevice_hour = 2.0\nutilisation = 0.5\n')
    found = told(
        capsys, *QWEN, "--samples", 4, "--batch", 2, "--devices", 2, "--prefix", 64, "--attention", "blocktopk:1024:16",
        "--weight-bits", 4, "--weight-group", 128, "--cache-bits", 8, "--cache-group", 64, "--reread", "--draft",
        "qwen3-0.6b", "--draft-tokens", 3, "--acceptance", 0.7, "--prices", prices,
    )  # fmt: skip
    assert [warning["code"] for warning in found["warnings"]] == ["old-price"]
    assert found["money"]["value"] == pytest.approx(found["seconds"]["value"] * 2 / 2 * 2.0 / 3600 / 0.5)
    names = {ground["name"] for ground in found["grounds"]}
    assert names >= {"attention", "draft", "factor link", "factor collective"}


def test_a_person_reads_where_the_time_goes_and_what_it_stands_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *QWEN, "--attention", "blocktopk:1024:16")
    assert status == 0
    for text in ("8.191 B parameters", "blocktopk:1024:16 attention", "eFLOPs, as Kinetics counts", "where the time goes",
                 "[published] factor memory", "[assumed] factor cache", "generated tokens a second"):  # fmt: skip
        assert text in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--attention", "topk:0"), "at least 1"),
        (("--attention", "topk"), "topk:B or blocktopk:B:SIZE"),
        (("--batch", 5000), "--batch 82"),
        (("--prompt", -4), "at least 0"),
        (("--hardware", "h300"), "h200"),
        (("--shape", "qwen3-9b"), "qwen3-8b"),
        (("--weight-bits", 0), "from 1 to 64"),
        (("--draft", "qwen3-0.6b"), "--acceptance 0.7"),
        (("--acceptance", 0.5), "--draft"),
        (("--precision", "fp4"), "bf16"),
        (("--intensity", 0), "give one above 0"),
        (("--devices", 3), "1, 2, 4, 8"),
    ],
)
def test_refusals_name_what_would_work(
    capsys: pytest.CaptureFixture[str], words: tuple[object, ...], says: str
) -> None:
    status, out, err = run(capsys, *QWEN, *words)
    assert (status, out) == (2, "")
    assert says in err


@pytest.fixture
def times(tmp_path: Path) -> Path:
    """Requests on a device that is slower than its defaults by half, give or take a few percent."""
    path, lines, generator = tmp_path / "times.csv", ["shape,batch,prompt,generated,took"], np.random.default_rng(0)
    for name in ("qwen3-0.6b", "qwen3-1.7b", "qwen3-4b"):
        for batch in (1, 8, 64):
            for made in (2, 64):
                row = Measurement(shape=find_shape(name), batch=batch, prompt=256, generated=made, seconds=1.0)
                took = 1.5 * row.predicted(find_hardware("h200"), Execution()).value * np.exp(generator.normal(0, 0.03))
                lines.append(f"{name},{batch},256,{made},{took}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_calibration_writes_a_device_that_requests_use(
    capsys: pytest.CaptureFixture[str], times: Path, tmp_path: Path
) -> None:
    out = tmp_path / "slow.toml"
    words = (
        "calibrate",
        "--measured",
        times,
        "--hardware",
        "h200",
        "--map",
        "seconds=took",
        "--bootstrap",
        20,
        "--out",
        out,
    )
    found = told(capsys, *words)
    assert found["errors"]["after"]["median"] < 0.1 < found["errors"]["before"]["median"]
    assert found["factors"]["time"]["provenance"] == "measured"
    assert found["factors"]["layer"]["unit"] == "s"
    ask = ("request", "--shape", "qwen3-1.7b", "--prompt", 256, "--generated", 64, "--batch", 8, "--hardware")
    before, after = (told(capsys, *ask, device) for device in ("h200", out))
    assert after["seconds"]["value"] == pytest.approx(1.5 * before["seconds"]["value"], rel=0.1)
    wide, narrow = (each["seconds"]["high"] / each["seconds"]["low"] for each in (before, after))
    assert narrow < wide


def test_a_person_reads_what_was_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text("batch,prompt,generated,seconds\n1,256,1,0.02\n1,1024,1,0.07\n4,1024,1,0.25\n4,4096,1,1.1\n")
    words = ("--shape", "qwen3-8b", "--phase", "prefill", "--hardware", "h200", "--bootstrap", 5)
    status, text, _ = run(capsys, "calibrate", "--measured", path, *words)
    assert status == 0
    for said in (
        "each time left out of the fit",
        "--out FILE.toml",
        "warning few-models",
        "warning few-times",
        "compute",
    ):
        assert said in text


def test_calibration_refuses_before_it_writes(capsys: pytest.CaptureFixture[str], times: Path, tmp_path: Path) -> None:
    out = tmp_path / "slow.toml"
    for words, says in (
        (("--measured", times), "seconds=COLUMN"),
        (("--measured", tmp_path / "none.csv"), "none.csv"),
        (("--measured", times, "--map", "seconds=took", "--phase", "decode"), "prefill"),
        (("--measured", times, "--map", "seconds=took", "--out", tmp_path / "no" / "x.toml"), "does not exist"),
    ):
        status, _, err = run(capsys, "calibrate", "--hardware", "h200", "--out", out, *words)
        assert status == 2
        assert says in err
    assert not out.exists()


class Served:
    """An engine on a virtual clock whose passes take 10 ms and 10 us a token of the prompt, 20 ms a token made."""

    profile = Profile("served", Abilities(usage=True), find_shape("qwen3-0.6b"), virtual=True)

    async def sample(self, request: InferenceRequest) -> Sequence[Response]:
        prompt, made = len(str(request.prompt).split()), request.max_tokens
        seconds = 0.01 + 1e-5 * prompt + 0.02 * (made - 1)
        return [Response(content="", finish="length", usage=Usage(prompt=prompt, generated=made), seconds=seconds)]

    def most_prompt_tokens(self, request: InferenceRequest) -> int:
        return len(str(request.prompt).split())


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allometry.inference.engines.find_engine", lambda text: Served(), raising=False)


@pytest.mark.usefixtures("served")
def test_a_running_engine_is_timed_and_its_times_are_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, times = tmp_path / "mine.toml", tmp_path / "times.csv"
    grid = "batch=1,4 prompt=64,512 generated=1,8"
    found = told(capsys, "calibrate", "--engine", "openai:http://localhost:8000/v1#m", "--hardware", "h200", "--grid", grid,
                 "--times", times, "--out", out, "--bootstrap", 5)  # fmt: skip
    assert found["rows"] == 8
    assert find_hardware(str(out)).factor("time").provenance == "measured"
    kept = read_measurements(str(times), find_shape("qwen3-0.6b"))
    assert {(row.batch, row.phase) for row in kept} == {(1, "prefill"), (4, "prefill"), (1, "request"), (4, "request")}
    again = told(capsys, "calibrate", "--measured", times, "--hardware", "h200", "--bootstrap", 5)
    assert again["factors"] == found["factors"]


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("words", "says"), [
    (("--engine", "e", "--measured", "t.csv"), "one of the two"),
    ((), "one of the two"),
    (("--measured", "t.csv", "--grid", "batch=1"), "--engine"),
    (("--engine", "e", "--map", "seconds=s"), "--measured"),
    (("--engine", "simulator:world.toml"), "no device's"),
    (("--engine", "e", "--out", "mine.json"), "write mine.toml"),
    (("--engine", "records:folder"), "no device's"),
    (("--engine", "e", "--grid", "batches=1"), "batch, prompt, generated"),
    (("--engine", "e", "--grid", "batch=1.5"), "whole numbers"),
    (("--engine", "e", "--times", "none/times.csv"), "does not exist"),
    (("--engine", "e", "--grid", "batch=1 prompt=8 generated=1"), "give 4 or more"),
])  # fmt: skip
def test_an_engine_is_asked_only_for_what_can_be(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    status, _, err = run(capsys, "calibrate", "--hardware", "h200", *words)
    assert status == 2
    assert says in err
