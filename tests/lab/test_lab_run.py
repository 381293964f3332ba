"""A ladder that is killed goes on to the same losses; every run is in the table once."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.cli.main import main  # noqa: E402
from allometry.lab import running  # noqa: E402
from allometry.lab.executors import Ended, Event, Executor, Failed, Work, find_executor  # noqa: E402
from allometry.lab.ladders import Folder, ladder_of, run_ladder  # noqa: E402
from allometry.lab.running import Place, run_job  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
LADDER = """
sizes = [{ layers = 1, width = 16, heads = 2, ffn = 32 }, { layers = 2, width = 16, heads = 2, ffn = 32 }]
[budget]
tokens = TOKENS
[training]
context = 32
batch_tokens = 256
learning_rate = 0.01
[optimiser]
name = "muon"
[corpus]
name = "task"
task = "chain"
examples = 4000
[evaluation]
windows = 16
times = 3
"""


def losses(table: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Both losses of every row by run and step."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["run_id"], row["step"]): (float(row["loss"]), float(row["train_loss"])) for row in rows}
    assert len(found) == len(rows), "a row is there twice"
    return found


def command(ladder: Path, out: Path, *words: str) -> list[str]:
    code = "from allometry.cli import main; main()"
    return [sys.executable, "-c", code, "lab", "run", str(ladder), "--out", str(out), *words]


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments_it_comes_to_the_same_losses(tmp_path: Path, declared: Any, workers: int) -> None:
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(LADDER.replace("TOKENS", "[60000, 90000]" if workers == 2 else "100000"))
    words = ("--workers", str(workers), "--checkpoint-every", "0.05")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command(ladder, tmp_path / "whole", *words), check=True, env=environment, capture_output=True)
    seed = random.randrange(10**6)
    wait, kills = random.Random(seed), 0
    for _ in range(3 - workers):
        process = subprocess.Popen(
            command(ladder, tmp_path / "killed", *words), env=environment, stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not list((tmp_path / "killed").glob("checkpoints/*.pt")) and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(wait.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills, "nothing was killed"
    subprocess.run(command(ladder, tmp_path / "killed", *words), check=True, env=environment, capture_output=True)
    whole, killed = (losses(tmp_path / name / "runs.csv") for name in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    for key, values in whole.items():
        assert killed[key] == pytest.approx(values, abs=1e-6), f"{key}, random moments of seed {seed}"


def test_a_run_goes_on_within(tmp_path: Path, declared: dict[str, Any]) -> None:
    job = ladder_of(declared).jobs[-1]
    whole = run_job(job, Place(tmp_path / "whole.pt"))
    place = Place(tmp_path / "killed.pt", every=0.0)

    def dies(step: int) -> None:
        if step == 31:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(job, place, dies)
    steps: list[int] = []
    again = run_job(job, place, steps.append)
    assert steps[0] == 32
    for one, other in zip(whole, again, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_more_seeds_are_added_and_other_settings_are_refused(
    tmp_path: Path, declared: dict[str, Any], here: Executor
) -> None:
    first = run_ladder(ladder_of(declared), tmp_path, here)
    assert (first.kept, first.ended) == (0, 4)
    before = losses(first.table)
    second = run_ladder(ladder_of({**declared, "seeds": 2}), tmp_path, here)
    assert (second.kept, second.ended) == (4, 4)
    assert before.items() <= losses(first.table).items()
    with pytest.raises(Refused, match="another optimiser, schedule"):
        run_ladder(ladder_of({**declared, "optimiser": "muon", "schedule": "constant"}), tmp_path, here)
    with pytest.raises(Refused, match="another process"), Folder(tmp_path).opened(ladder_of(declared)):
        run_ladder(ladder_of(declared), tmp_path, here)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_torn_table_loses_the_torn_run_alone(tmp_path: Path, declared: dict[str, Any], here: Executor) -> None:
    ladder = ladder_of(declared)
    table = run_ladder(ladder, tmp_path, here).table
    whole = losses(table)
    for cut in (3, 250):  # within the last row, and within the one before
        text = table.read_text()
        table.write_text(text[:-cut])
        outcome = run_ladder(ladder, tmp_path, here)
        assert (outcome.kept, outcome.ended) == (3, 1)
        assert losses(table) == whole


@pytest.mark.parametrize("kept", [0, 7])
def test_a_table_without_rows_goes_on(tmp_path: Path, declared: dict[str, Any], here: Executor, kept: int) -> None:
    """Of the head alone, and of one torn in its first column; a torn row's run has not ended."""
    one = ladder_of({**declared, "sizes": declared["sizes"][:1], "budget": {"tokens": 6144}})
    table = run_ladder(one, tmp_path, here).table
    whole = table.read_text()
    head, *_, last = whole.splitlines(keepends=True)
    table.write_text(head + last[:40])
    assert not Folder(tmp_path).finished()
    table.write_text(head[:kept] if kept else head)
    with Folder(tmp_path).opened(one):
        assert table.read_text() == head


def test_foreign_folders_are_left_alone(tmp_path: Path, declared: dict[str, Any], here: Executor) -> None:
    (tmp_path / "runs.csv").write_text("mine\n1\n")
    with pytest.raises(Refused, match="no ladder wrote"):
        run_ladder(ladder_of(declared), tmp_path, here)
    assert (tmp_path / "runs.csv").read_text() == "mine\n1\n"
    (tmp_path / "ladder.json").write_text("[]")
    with pytest.raises(Refused, match="is not what a ladder writes"):
        run_ladder(ladder_of(declared), tmp_path, here)


def test_a_run_that_diverges_says_so_and_ends(tmp_path: Path, declared: dict[str, Any], monkeypatch: Any) -> None:
    job = ladder_of(declared).jobs[0]
    updates = running.Loop.update
    monkeypatch.setattr(running.Loop, "update", lambda loop: float("nan") if updates(loop) and loop.step == 5 else 1.0)
    rows = run_job(job, Place(tmp_path / "state.pt"))
    assert (rows[-1]["state"], rows[-1]["step"], rows[-1]["loss"]) == ("diverged", 5, "")


def test_another_corpus_is_refused_where_a_run_is_trained(tmp_path: Path, declared: dict[str, Any]) -> None:
    from dataclasses import replace

    with pytest.raises(Refused, match="the corpus here is another"):
        run_job(replace(ladder_of(declared).jobs[0], corpus_sha256="other"), Place(tmp_path / "state.pt"))


def test_a_lost_process_is_replaced_and_a_refused_run_fails_alone(tmp_path: Path, declared: dict[str, Any]) -> None:
    """One of two processes is killed as soon as a run has come somewhere."""
    from dataclasses import replace

    jobs = list(ladder_of({**declared, "budget": {"tokens": [12288, 14336]}}).jobs)
    bad = replace(jobs[0], corpus_sha256="other")
    events: list[Event] = []
    killed = False
    for event in find_executor("local", 2).run(Work([*jobs, bad], tmp_path, 0.0)):
        events.append(event)
        if not killed and isinstance(event, Ended):
            multiprocessing.active_children()[0].kill()
            killed = True
    assert killed
    assert Counter(e.job.run_id for e in events if isinstance(e, Ended)) == {job.run_id: 1 for job in jobs}
    assert [e.job for e in events if isinstance(e, Failed)] == [bad]


def told(capsys: pytest.CaptureFixture[str], name: str, *words: object) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["lab", name, *map(str, words), "--json"])
    out = capsys.readouterr().out
    assert ended.value.code == 0, out
    contents: dict[str, Any] = json.loads(out, parse_constant=lambda n: pytest.fail(f"{n} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath(f"schemas/lab_{name}.json").read_text()))
    return contents


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "ladder.toml", tmp_path / "out"
    path.write_text(LADDER.replace("TOKENS", "[4096, 8192, 16384]"))
    planned = told(capsys, "plan", path, "--workers", 1)
    assert {ground["mark"] for ground in planned["grounds"]} == {"measured", "assumed"}
    assert planned["flops"] == pytest.approx(sum(run["flops"] for run in planned["runs"]))
    assert told(capsys, "plan", path, "--hardware", "h200")["grounds"][2]["mark"] == "assumed"
    done = told(capsys, "run", path, "--out", out, "--workers", 1)
    assert done["runs"] == [run["run_id"] for run in planned["runs"]]
    assert (done["ended"], done["flops"], done["memory"]) == (6, planned["flops"], planned["memory"])
    assert told(capsys, "plan", path, "--out", out)["runs"] == []
    with pytest.raises(SystemExit) as ended:
        main(["fit", done["table"], "--law", "power", "--bootstrap", "0"])
    assert ended.value.code == 0
    assert "6 of 18 rows used" in capsys.readouterr().out


def test_what_a_person_reads_and_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ladder.toml"
    path.write_text(LADDER.replace("TOKENS", "4096"))
    for words, code, says in (
        (("plan", path), 0, "[measured] seconds"),
        (("plan", path, "--hardware", "h20000"), 2, "h200"),
        (("run", path, "--out", tmp_path / "out", "--on", "mars"), 2, "use local, ray"),
        (("run", tmp_path / "none.toml", "--out", tmp_path / "out"), 2, "cannot be read"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["lab", *map(str, words)])
        assert ended.value.code == code
        captured = capsys.readouterr()
        assert says in captured.out + captured.err
    assert not (tmp_path / "out").exists()
