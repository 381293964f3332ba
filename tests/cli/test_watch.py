"""`allometry watch` as a user, cron or CI runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.runs import embedded_ladder

RUN = "d80-l2-4194304-s1"
COLUMNS = ("run_id", "params", "tokens", "step", "steps", "loss")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def write(path: Path, *, raised: float = 1.0, share: float = 0.75, id_column: str = "run_id") -> Path:
    """The embedded ladder with one run still going, its losses raised by a factor."""
    columns = embedded_ladder(rows="all").columns
    own = columns["run_id"] == RUN
    loss = np.where(own, raised * columns["loss"], columns["loss"])
    keep = np.flatnonzero(~own | (columns["step"] <= share * columns["steps"]))
    rows = [",".join([*(str(columns[name][row]) for name in COLUMNS[:-1]), str(loss[row])]) for row in keep]
    path.write_text("\n".join([",".join([id_column, *COLUMNS[1:]]), *rows]) + "\n")
    return path


def test_a_healthy_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("watch", write(tmp_path / "runs.csv"), "--run", RUN, "--law", "chinchilla", "--fail-if", "outside")
    status, out, _ = run(capsys, *words, "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/watch.json").read_text()))
    assert status == 0
    assert told["share"] == 0.75
    assert told["outside"] is False
    assert told["since"] is None
    assert told["forecast"]["low"] < 1.0487 < told["forecast"]["high"]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "forecast of loss at the end" in out
    assert "not outside the band" in out


def test_a_run_that_is_outside_ends_with_3_only_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("watch", write(tmp_path / "runs.csv", raised=1.3), "--run", RUN, "--law", "chinchilla")
    assert run(capsys, *words)[0] == 0
    status, out, _ = run(capsys, *words, "--fail-if", "outside", "--json")
    assert status == 3
    assert json.loads(out)["since"] == 1024
    assert json.loads(out)["side"] == "above"
    status, out, _ = run(capsys, *words, "--fail-if", "outside")
    assert status == 3
    assert "OUTSIDE the band since step 1024, above it" in out


def test_a_diverged_run_is_strict_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("watch", write(tmp_path / "runs.csv", raised=float("nan")), "--run", RUN, "--law", "chinchilla")
    status, out, _ = run(capsys, *words, "--fail-if", "outside", "--json")
    told = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/watch.json").read_text()))
    assert status == 3
    assert told["forecast"]["value"] is None
    assert told["complete"] is False
    assert told["band"][-1]["measured"] is None


def test_the_column_of_runs_may_have_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "runs.csv", id_column="job")
    words = ("watch", table, "--run", RUN, "--law", "chinchilla", "--run-column", "job", "--steps", 8192, "--json")
    assert json.loads(run(capsys, *words)[1])["share"] == 0.375


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--fail-if", "late"), "nothing to fail on"),
        (("--steps", 8192, "--end", "tokens=1e9"), "given twice"),
        (("--end", "tokens"), "is not name=value"),
        (("--law", "nonsense"), "no law is called 'nonsense'"),
        (("--run", "d80"), "no run is called `d80`"),
        (("--run-column", "colour"), "colour"),
        (("--level", "2"), "level"),
        (("--where", "params < 1e5"), "no run is called"),
    ],
)
def test_bad_questions_end_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    words = ("watch", write(tmp_path / "runs.csv"), "--run", RUN, "--law", "chinchilla", *more)
    status, _, err = run(capsys, *words)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
