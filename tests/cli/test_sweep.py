"""`allometry sweep` and `allometry solve` as a user runs them, on a simulator whose truth is known."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from allometry.cli.main import main
from allometry.inference.records import read_lines
from allometry.runs import read_runs

SUCCESS = 0.45
SWEEP = ("sweep", "simulated", "--strategy", "greedy", "--strategy", "self_consistency", "--budget", "64:256:x2")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "world.toml"
    path.write_text(f"success = {SUCCESS}\nwrong = 3\n")
    return path


@pytest.fixture
def on(world: Path) -> tuple[str, ...]:
    return ("--engine", f"simulator:{world}")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    status, out, err = run(capsys, *words, "--json")
    assert status == 0, err or out
    found: dict[str, Any] = json.loads(out)
    schema = files("allometry.cli").joinpath(f"schemas/{words[0]}.json").read_text()
    jsonschema.validate(found, json.loads(schema))
    return found


def test_rows_hold_the_truth_within_their_intervals(on: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *SWEEP, *on, "--problems", 300, "--level", 0.999)
    assert [(row["strategy"], row["budget"]) for row in found["rows"]] == [
        (name, budget) for name in ("greedy", "self_consistency") for budget in (64, 128, 256)
    ]
    greedy, voted = found["rows"][0], found["rows"][-1]
    assert greedy["low"] < SUCCESS < greedy["high"]
    assert voted["generated_tokens"] <= 256
    assert voted["accuracy"] > greedy["accuracy"]
    assert all(row["problems"] == 300 and row["scorer"] == "exact" and not row["oracle"] for row in found["rows"])
    assert {curve["strategy"] for curve in found["curves"]} == {"greedy", "self_consistency"}
    assert found["complete"]


def test_rows_become_a_table_of_runs(on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in ("csv", "parquet", "jsonl"):
        out = tmp_path / f"rows.{suffix}"
        found = told(capsys, *SWEEP, *on, "--problems", 20, "--out", out)
        runs = read_runs(out)
        assert runs.column("accuracy").tolist() == [row["accuracy"] for row in found["rows"]]
        assert runs.column("generated_tokens").tolist() == [row["generated_tokens"] for row in found["rows"]]


def test_a_sweep_goes_on_from_its_records_and_asks_nothing_twice(
    on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SWEEP, *on, "--records", tmp_path / "records")
    few = told(capsys, *words, "--problems", 10)
    all_of_them = told(capsys, *words, "--problems", 20)
    again = told(capsys, *words, "--problems", 20)
    assert again["paid"]["calls"] == 0
    assert again["rows"] == all_of_them["rows"]
    samples = [line["key"] for line in read_lines(tmp_path / "records") if line["kind"] == "sample"]
    assert len(samples) == len(set(samples)) == few["paid"]["calls"] + all_of_them["paid"]["calls"]


def test_an_oracle_is_marked_and_never_compared_with_a_method(
    on: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, *SWEEP, "--strategy", "best_of_n(selector=exact)", *on, "--problems", 20)
    assert {row["strategy"]: row["oracle"] for row in found["rows"]} == {
        "greedy": False, "self_consistency": False, "best_of_n(selector=exact)": True,
    }  # fmt: skip
    assert {each["strategy"] for each in found["differences"]} == {"self_consistency"}


def test_the_page_holds_names_and_numbers_and_no_texts(
    on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    told(capsys, *SWEEP, *on, "--problems", 20, "--figure", page)
    text = page.read_text()
    assert "self_consistency" in text
    assert "simulated problem" not in text
    assert "<script src=" not in text


def test_a_limit_ends_the_whole_and_the_rest_can_be_gone_on_with(
    on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SWEEP, *on, "--problems", 40, "--records", tmp_path / "records")
    ended = told(capsys, *words, "--limit", "generated_tokens=5000")
    assert not ended["complete"]
    assert "generated_tokens" in ended["why"]
    assert 0 < ended["paid"]["generated_tokens"] <= 5000
    rest = told(capsys, *words)
    assert rest["complete"]
    assert rest["rows"] == told(capsys, *SWEEP, *on, "--problems", 40)["rows"]


def test_seeds_are_counted_once_for_each_problem(on: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, *SWEEP, *on, "--problems", 50, "--seeds", 3)
    first = found["rows"][3]
    assert (first["problems"], first["seeds"]) == (50, 3)
    assert first["worst_of_seeds"] <= first["accuracy"] <= first["best_of_seeds"]
    assert first["worst_of_seeds"] == pytest.approx(SUCCESS**3, abs=0.15)


def test_a_dry_run_asks_nothing_and_says_what_it_would_take(
    on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SWEEP, *on, "--problems", 20, "--records", tmp_path / "records")
    [dry] = told(capsys, *words, "--dry-run")["dry_run"]
    assert dry["worst"]["generated_tokens"] >= dry["expected"]["generated_tokens"] > 0
    assert dry["length"]["why"].startswith("assumed")
    assert dry["expected"]["seconds"] is None
    assert not (tmp_path / "records").exists()
    paid = told(capsys, *words)["paid"]["generated_tokens"]
    [known] = told(capsys, *words, "--dry-run")["dry_run"]
    assert known["length"]["why"].startswith("measured")
    assert all(known["worst"][name] >= known["expected"][name] for name in ("calls", "prompt_tokens", "seconds"))
    assert known["expected"]["generated_tokens"] == pytest.approx(paid, rel=0.25)
    assert known["expected"]["seconds"] > 0


def test_detect_says_how_many_problems_are_needed(on: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, *SWEEP, *on, "--dry-run", "--detect", 2)["detect"]["problems"] == 7727
    large = told(capsys, *SWEEP, *on, "--dry-run", "--detect", 80)["detect"]
    assert large["discordant"] == 0.8
    assert large["problems"] < 10


def test_a_person_reads_the_rows(on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *SWEEP, *on, "--problems", 20, "--out", tmp_path / "rows.csv")
    assert status == 0, err
    assert "self_consistency against greedy" in out
    assert "on the same 20 problems" in " ".join(out.split())
    assert f"written to {tmp_path / 'rows.csv'}" in "".join(out.split("\n"))
    status, out, _ = run(capsys, *SWEEP, *on, "--problems", 20, "--dry-run", "--detect", 2)
    assert status == 0
    assert "nothing was asked" in out
    assert "tell 2 points apart" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--budget", "0"), "bad-budget", "a number above 0"),
        (("--budget", "tokens=64"), "unknown-unit", "generated_tokens"),
        (("--strategy", "gredy"), "unknown-strategy", "greedy"),
        (("--strategy", "greedy(tokens="), "bad-strategy", "NAME(argument=value"),
        (("--strategy", "greedy(64)"), "bad-strategy", "without a name"),
        (("--strategy", "greedy(tokens=__import__('os'))"), "bad-strategy", "no value"),
        (("--strategy", "best_of_n"), "no-selector", "--selector judge"),
        (("--strategy", "best_of_n(selector=judge)"), "no-engine", "--judge ENGINE"),
        (("--strategy", "draft_target"), "no-engine", "--draft ENGINE"),
        (("--strategy", "mbr(utility=chrff)"), "unknown-likeness", "chrf"),
        (("--strategy", "beam"), "no-verifier", "beam(verifier=judge)"),
        (("--strategy", "self_consistency(vote=nothing)"), "unknown-reader", "nearest"),
        (("--engine", "simulatr:world.toml"), "unknown-engine", "simulator"),
        (("--scorer", "exactt"), "unknown-grader", "exact"),
        (("--grader", "python"), "code-not-allowed", "--allow-code"),
        (("--difficulty", "3"), "no-difficulty", "leave it out"),
        (("--limit", "calls=1:9:x2"), "bad-limit", "one number"),
        (("--limit", "money=3"), "no-price", "declare one"),
        (("--detect", "2"), "no-dry-run", "--dry-run"),
        (("--strategy", "self_consistency(samples=lots)"), "bad-argument", "from 1 upwards or none"),
        (("--strategy", "self_consistency(temperature=hot)"), "bad-argument", "temperature as a number from 0"),
        (("--strategy", "self_consistency(tokens=0)"), "bad-argument", "a whole number from 1"),
        (("--strategy", "first_finish(count=0)"), "bad-argument", "a whole number from 1"),
        (("--strategy", "budget_forcing(waits=-1)"), "bad-argument", "a whole number from 0"),
        (("--figure", "figure.png"), "bad-format", ".html"),
        (("--out", "same.csv", "--figure", "same.csv"), "bad-format", ".html"),
        (("--out", "rows.xlsx"), "bad-format", ".csv"),
        (("--out", "no/such/rows.csv"), "no-folder", "make it first"),
        (("--keep", "nothing"), "unknown-keep", "hashes"),
        (("--redact", "nothing"), "bad-hook", "function"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    on: tuple[str, ...], capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str, said: str
) -> None:
    given = SWEEP[:-2] if words[0] == "--budget" else SWEEP
    status, out, _ = run(capsys, *given, *on, *words, "--problems", 3, "--json")
    error = json.loads(out)["error"]
    assert (status, error["code"]) == (2, code)
    assert said in " ".join((error["message"], error["mend"]))


def test_an_engine_given_twice_is_refused_and_not_counted_twice(
    on: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, *SWEEP, *on, *on, "--problems", 3, "--json")
    assert (status, json.loads(out)["error"]["code"]) == (2, "twice")


@pytest.mark.parametrize("body", ["return None", "raise KeyError('a text')", "return {}"])
def test_a_hook_that_cannot_be_used_is_told_so_before_anything_is_written(
    body: str, on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text(f"def redact(line):\n    {body}\n")
    words = (*SWEEP, *on, "--problems", 3, "--records", tmp_path / "records", "--redact", f"{hook}:redact", "--json")
    status, out, _ = run(capsys, *words)
    error = json.loads(out)["error"]
    assert (status, error["code"]) == (2, "bad-hook")
    assert "a text" not in error["message"]
    assert not list(read_lines(tmp_path / "records"))


def test_rows_on_different_problems_and_answers_that_were_cut_off_are_told(
    world: Path, on: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, *SWEEP, *on, "--problems", 40, "--limit", "generated_tokens=3000")
    assert status == 0
    assert "problems" in out.split("\n")[1]
    assert "compare only what is paired" in out
    world.write_text("success = 0.5\nright_tokens = [200, 0]\nwrong_tokens = [200, 0]\n")
    status, out, _ = run(capsys, *SWEEP, *on, "--problems", 40)
    assert "cut off" in out.split("\n")[1]


def test_where_all_calls_failed_there_is_no_accuracy_and_no_difference(
    world: Path, on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Records that hold no answer for a strategy say nothing of it, and logs without times tell none."""
    told(capsys, *SWEEP[:4], "--budget", "64", *on, "--problems", 5, "--records", tmp_path / "records")
    words = (*SWEEP[:2], *SWEEP[4:6], *SWEEP[2:4], "--budget", "64", "--engine", f"records:{tmp_path / 'records'}")
    found = told(capsys, *words, "--problems", 5)
    voted, greedy = found["rows"]
    assert (voted["failed"], voted["accuracy"], voted["seconds_p50"]) == (5, None, None)
    assert voted["why"] == f"all failed: {voted['failure']}"
    assert greedy["accuracy"] is not None
    assert [(each["difference"], each["problems"], each["sure"]) for each in found["differences"]] == [(None, 0, False)]
    _, out, _ = run(capsys, *words, "--problems", 5)
    assert "so there is no accuracy" in out
    assert "samples of this prompt" in out


def test_records_of_several_engines_are_named_one_by_one(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for success in ("0.3", "0.6"):
        world.write_text(f"success = {success}\n")
        told(capsys, *SWEEP, "--engine", f"simulator:{world}", "--problems", 5, "--records", tmp_path / "records")
    engine = f"records:{tmp_path / 'records'}"
    status, out, _ = run(capsys, *SWEEP, "--engine", engine, "--problems", 5, "--json")
    error = json.loads(out)["error"]
    assert (status, error["code"]) == (2, "which-engine")
    name = error["mend"].rpartition("#")[2]
    assert told(capsys, *SWEEP[:4], "--budget", "64", "--engine", f"{engine}#{name}", "--problems", 5)["complete"]
    status, out, _ = run(capsys, *SWEEP, "--engine", f"{engine}#other", "--problems", 5, "--json")
    assert (status, json.loads(out)["error"]["code"]) == (2, "unknown-engine")


def test_tasks_that_are_not_there_are_refused_with_the_nearest(
    on: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for task, near in (("countdwn", "countdown"), (str(tmp_path / "no.jsonl"), "check the path")):
        status, out, _ = run(capsys, "sweep", task, *SWEEP[2:], *on, "--json")
        assert status == 2
        assert near in json.loads(out)["error"]["mend"]


def test_solve_answers_and_replays(on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("solve", "--strategy", "self_consistency", *on, "--records", tmp_path / "records", "simulated problem 4")
    first, again = told(capsys, *words), told(capsys, *words)
    [answer] = first["answers"]
    assert again == first
    assert answer["answer"] == answer["read"]
    assert answer["votes"] == sorted(answer["votes"], reverse=True)
    assert sum(answer["votes"]) == answer["samples"] == answer["meter"]["calls"]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert str(answer["answer"]) in out


def test_solve_with_a_draft_tells_what_was_handed_over(on: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "solve",
        "--strategy",
        "draft_target(samples=5, tokens=80, chunk=40)",
        *on,
        "--draft",
        on[1],
        "simulated problem 4",
    )
    [answer] = told(capsys, *words)["answers"]
    assert answer["figures"]["chunks"][0] == 5
    assert answer["figures"]["rejected"][0] == 2 / 5


def test_solve_takes_a_file_or_prompts(on: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"id": "a", "prompt": "simulated problem 1"}\n{"id": "b", "prompt": "simulated problem 2"}\n')
    found = told(capsys, "solve", "--strategy", "greedy", *on, "--prompts", path)
    assert [answer["id"] for answer in found["answers"]] == ["a", "b"]
    for words in ((), ("simulated problem 1", "--prompts", path)):
        status, out, _ = run(capsys, "solve", "--strategy", "greedy", *on, *words, "--json")
        assert (status, json.loads(out)["error"]["code"]) == (2, "no-prompts")


GRADE = """
import random

def grade(problem, response):
    right = "." not in response.content.split()[-1]
    rng = random.Random(response.key + response.content)
    return 0.9 if right != (rng.random() < (0.1 if right else 0.2)) else 0.1

grade.oracle, grade.kind = False, "learned"
"""


def test_the_errors_of_a_selector_are_found_and_nothing_is_asked_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, own, page = tmp_path / "world.toml", tmp_path / "own.py", tmp_path / "page.html"
    world.write_text("success = [2.0, 3.0]\nwrong = 3\n")
    own.write_text(GRADE)
    words = ("sweep", "simulated", "--engine", f"simulator:{world}", "--strategy", "best_of_n", "--strategy", "greedy",
             "--selector", f"{own}:grade", "--budget", "128:640:x5", "--problems", 60, "--records", tmp_path / "records")  # fmt: skip
    plain = told(capsys, *words)
    assert plain["selectors"] == []
    found = told(capsys, *words, "--selector-errors", "--figure", page, "--level", 0.999)
    assert found["paid"]["calls"] == 0
    assert [row["accuracy"] for row in found["rows"]] == [row["accuracy"] for row in plain["rows"]]
    [errors] = found["selectors"]
    assert errors["strategy"] == "best_of_n"
    assert errors["samples"] == 60 * 15
    assert errors["false_positives"]["low"] < 0.2 < errors["false_positives"]["high"]
    assert errors["false_negatives"]["low"] < 0.1 < errors["false_negatives"]["high"]
    assert errors["best_of"]["rows"][-1]["samples"] == 15
    assert "The selector of best_of_n" in page.read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--strategy", "greedy"), "nothing-to-watch"),
        (("--strategy", "best_of_n(selector=exact)"), "nothing-to-watch"),
        (
            ("--strategy", "best_of_n(selector=judge)", "--scorer", "judge", "--judge", "simulator:world"),
            "costly-scorer",
        ),
    ],
)
def test_selectors_that_cannot_be_watched_are_refused(
    on: tuple[str, ...], world: Path, words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tuple(word.replace("simulator:world", f"simulator:{world}") for word in words)
    status, out, _ = run(capsys, "sweep", "simulated", *on, *words, "--budget", 64, "--selector-errors", "--json")
    assert status == 2
    assert json.loads(out)["error"]["code"] == code
