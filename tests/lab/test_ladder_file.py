"""A ladder file is checked as a whole before anything runs, and says what it will take."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.costs import find_hardware, training_flops  # noqa: E402
from allometry.fits import Settings, fit, save_fit  # noqa: E402
from allometry.lab.corpora import corpus_names, find_corpus  # noqa: E402
from allometry.lab.ladders import interpolated_pace, ladder_of, plan_ladder, read_ladder, roofline_pace  # noqa: E402
from allometry.lab.mechanisms import list_mechanisms  # noqa: E402
from allometry.lab.optimisers import OPTIMISERS  # noqa: E402
from allometry.lab.schedules import SCHEDULES  # noqa: E402
from allometry.laws import published  # noqa: E402
from allometry.notices import Refused  # noqa: E402
from allometry.runs import read_runs  # noqa: E402

pytestmark = pytest.mark.lab


def changed(declared: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The declaration with one place in it changed; `path` is its keys with dots between."""
    found = deepcopy(declared)
    *parents, last = path.split(".")
    place: Any = found
    for name in parents:
        place = place[int(name)] if name.isdigit() else place.setdefault(name, {})
    place[last] = value
    return found


def test_every_size_budget_and_seed(declared: dict[str, Any]) -> None:
    ladder = ladder_of({**declared, "seeds": 3, "axes": {"heads": [1, 2]}})
    assert len(ladder.jobs) == len({job.run_id for job in ladder.jobs}) == 2 * 2 * 2 * 3
    assert {job.seed for job in ladder.jobs} == {0, 1, 2}
    assert [job.flops for job in ladder.jobs] == sorted(job.flops for job in ladder.jobs)
    assert all(job.flops == training_flops(job.shape, job.tokens, 32) for job in ladder.jobs)


def test_tokens_per_parameter(declared: dict[str, Any]) -> None:
    for job in ladder_of({**declared, "budget": {"tokens_per_param": 2}}).jobs:
        wanted = 2 * job.shape.parameters().total
        assert wanted - job.batch_tokens < job.tokens <= wanted


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("trainig", {}, "the nearest are training"),
        ("training.learning_rte", 0.1, "the nearest are learning_rate"),
        ("schedule", {"name": "cosin"}, "the nearest are cosine"),
        ("schedule", {"name": "cosine", "decay": 0.1}, "there is no key `decay`"),
        ("schedule", {"warmup": 2}, "from 0 to 1"),
        ("schedule", {"name": "warmup-stable-decay", "warmup": 0.6, "decay": 0.6}, "from 0 to 0.4"),
        ("optimiser", "adam", "the nearest are adamw"),
        ("optimiser.beta1", "high", "must be a number"),
        ("corpus", "standard-libary", "the nearest are standard-library"),
        ("corpus.exampels", 7, "the nearest are examples"),
        ("corpus.task", "chains", "the nearest are chain"),
        ("corpus.examples", 3, "give 20 or more"),
        ("corpus", {"name": "folder", "path": "nowhere"}, "is no folder"),
        ("corpus", {"name": "folder"}, "needs `path`"),
        ("mechanism", "loopy", "the nearest are looped"),
        ("sizes", [], "no list of tables"),
        ("sizes.0.layers", 0, "at least 1"),
        ("sizes.0.layers", True, "a whole number"),
        ("sizes.0.heads", 3, "no multiple of heads"),
        ("sizes.0.width", 18, "even head_size"),
        ("sizes.0.loops", 2, "there is no key `loops`"),
        ("axes", {"streams": [1, 2]}, "there is no key `streams`"),
        ("axes", {"layers": []}, "is empty"),
        ("budget", {"tokens": 100}, "less than a step"),
        ("budget", {"tokens": 10**9}, "more than one epoch"),
        ("budget", {"tokens": -1}, "above zero"),
        ("budget", {"tokens": 1e5, "tokens_per_param": 20}, "either tokens or tokens_per_param"),
        ("training.batch_tokens", 100, "give batch_tokens = 96"),
        ("training.learning_rate", 0, "above zero"),
        ("training.learning_rate", float("nan"), "must be a number"),
        ("training.learning_rate", "step_learning_rate", "neither LAW@KEY nor a saved fit"),
        ("training.learning_rate", "step_batch@steplaw", "predicts batch_tokens"),
        ("training.learning_rate", "step_learning_rate@stepl", "it has step_learning_rate@steplaw"),
        ("training.learning_rate", {"law": "A * epochs", "values": {"A": 1.0}}, "needs epochs"),
        ("training.precision", "float8", "use one of float32, bfloat16"),
        ("evaluation", {"windows": 10**6}, "give at most windows"),
        ("evaluation", {"every": 5, "times": 2}, "give one"),
        ("growth", {"base_tokens": 512}, "`factor` is missing"),
        ("growth", {"factor": 2, "base_tokens": 512, "base_share": 0.5}, "give one"),
        ("growth", {"factor": 5, "base_tokens": 512}, "from 1"),
        ("growth", {"factor": 2, "base_share": 1.0}, "below 1"),
        ("growth", {"factor": 2, "base_tokens": 512}, "1 layers are no 2 times"),
        ("growth", {"factr": 2}, "the nearest are factor"),
        ("regulariser", {"name": "loop", "period": 1, "weight": 0.1}, "give a model of two layers"),
        ("regulariser", {"name": "loop", "period": 1}, "`weight` is missing"),
        ("regulariser", {"name": "ridge", "period": 1, "weight": 1}, "use loop"),
        ("regulariser", {"name": "loop", "period": 1, "weight": -1}, "zero or above"),
        ("seeds", [1, 1], "a value twice"),
        ("seeds", 0, "above zero"),
        ("seeds", [-1], "zero or above"),
        ("seeds", 10**9, "more than 10000"),
        ("seeds", [2**70], "than 64 bits hold"),
        ("training.clip", 10**400, "than 64 bits hold"),
        ("budget", {"tokens": 1e300}, r"1e\+300 tokens are more"),
        ("budget", {"tokens_per_param": 1e306}, "tokens are more"),
        ("schedule", {"name": ["cosine"]}, "must be a text"),
        ("optimiser", {"name": {"a": 1}}, "must be a text"),
        ("training.learning_rate", {"law": "A - params", "values": {"A": 1.0}}, "gives a learning_rate of -"),
        ("training.batch_tokens", {"law": "A - params", "values": {"A": 1.0}}, "gives a batch_tokens of -"),
        ("regulariser", {"name": "loop", "period": -3, "weight": 0.0}, "above zero"),
        ("corpus.seed", -1, "zero or above"),
        ("name", 3, "must be a text"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(declared: dict[str, Any], path: str, value: object, says: str) -> None:
    with pytest.raises(Refused, match=says.replace("(", r"\(")):
        ladder_of(changed(declared, path, value))


@pytest.mark.parametrize("key", ["sizes", "budget", "training"])
def test_what_is_missing_is_named(declared: dict[str, Any], key: str) -> None:
    del declared[key]
    with pytest.raises(Refused, match=f"`{key}` is missing"):
        ladder_of(declared)


@pytest.mark.parametrize(
    ("mechanism", "axis"),
    [("plain", {"kv_heads": [1]}), ("plain", {"loops": [2]}),
     ("structured", {"structure": ["sparse"]}), ("experts", {"experts": [2], "active_experts": [3]})],
)  # fmt: skip
def test_a_shape_that_no_model_is_built_of_is_refused(declared: dict[str, Any], mechanism: str, axis: Any) -> None:
    with pytest.raises(Refused):
        ladder_of({**declared, "axes": axis, "mechanism": mechanism})


@pytest.mark.parametrize("name", list_mechanisms())
def test_every_mechanism_has_ladders(declared: dict[str, Any], name: str) -> None:
    example = list_mechanisms()[name].example
    axes = {key: [value] for key, value in example.items() if key in list_mechanisms()[name].fields}
    jobs = ladder_of(
        {**declared, "axes": axes, "mechanism": name, "sizes": [{**declared["sizes"][0], "layers": 4}]}
    ).jobs
    assert {job.mechanism for job in jobs} == {name}
    assert all(getattr(job.shape, key) == value[0] for job in jobs for key, value in axes.items())


def test_muon_where_torch_has_none(declared: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(Refused, match="has no Muon"):
        ladder_of({**declared, "optimiser": "muon"})


def test_rates_by_published_constants_count_as_their_source(declared: dict[str, Any]) -> None:
    law, constants = published("step_learning_rate@steplaw")
    ladder = ladder_of(changed(declared, "training.learning_rate", "step_learning_rate@steplaw"))
    for job in ladder.jobs:
        at = {"params": [job.shape.parameters().non_embedding], "tokens": [job.tokens]}
        assert job.learning_rate == pytest.approx(float(law.evaluate(constants.values, at)[0]))
    assert ladder.steps[0].mark == "published"


def test_rates_by_a_formula_and_by_a_fit(declared: dict[str, Any], tmp_path: Path) -> None:
    formula = {"law": "A * (32 / width)**b", "values": {"A": 0.02, "b": 1.5}}
    ladder = ladder_of(changed(declared, "training.learning_rate", formula))
    assert [job.learning_rate for job in ladder.jobs] == pytest.approx([0.02 * 2**1.5] * 4)
    params, tokens = (axis.ravel() for axis in np.meshgrid([1e4, 1e5, 1e6], [1e6, 1e7, 1e8]))
    rows = read_runs({"params": params, "tokens": tokens, "learning_rate": 1.79 * params**-0.5 * tokens**0.2})
    found = fit(rows, "step_learning_rate", Settings(bootstrap=0))
    save_fit(found, tmp_path / "rate.json")
    ladder = ladder_of(changed(declared, "training.learning_rate", str(tmp_path / "rate.json")))
    job = ladder.jobs[0]
    wanted = 1.79 * job.shape.parameters().total ** -0.5 * job.tokens**0.2
    assert job.learning_rate == pytest.approx(wanted, rel=1e-3)
    assert ladder.steps[0].mark == "fitted"


def test_a_batch_by_a_law_is_whole_windows(declared: dict[str, Any]) -> None:
    ladder = ladder_of(changed(declared, "training.batch_tokens", "step_batch@steplaw"))
    law, constants = published("step_batch@steplaw")
    for job in ladder.jobs:
        wanted = float(law.evaluate(constants.values, {"tokens": [job.tokens]})[0])
        assert job.batch_tokens % 32 == 0
        assert abs(job.batch_tokens - wanted) <= 32


def test_runs_are_told_apart_by_what_their_losses_follow_from(declared: dict[str, Any], tmp_path: Path) -> None:
    first = ladder_of(declared)
    ids = {job.run_id for job in first.jobs}
    for path, value in (("training.learning_rate", 0.02), ("schedule", "constant"), ("optimiser.beta2", 0.9),
                        ("training.clip", 0.5), ("training.precision", "bfloat16"), ("corpus.examples", 1001),
                        ("evaluation.times", 3)):  # fmt: skip
        other = ladder_of(changed(declared, path, value))
        assert not ids & {job.run_id for job in other.jobs}, path
        assert other.fingerprint != first.fingerprint, path
    more = ladder_of({**declared, "seeds": 2})
    assert ids < {job.run_id for job in more.jobs}
    assert more.fingerprint == first.fingerprint


def test_a_file_and_a_folder_beside_it(declared: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / "text" / name).mkdir(parents=True)
        (tmp_path / "text" / name / f"{name}.txt").write_text(f"{name} of many lines\n" * 500)
    (tmp_path / "ladder.toml").write_text(
        'sizes = [{ layers = 1, width = 16, heads = 2, ffn = 32 }]\n[budget]\ntokens = 1024\n[training]\ncontext = 16\n'
        'batch_tokens = 128\nlearning_rate = 0.01\n[evaluation]\nwindows = 8\n[corpus]\nname = "folder"\npath = "text"\n'
    )  # fmt: skip
    ladder = read_ladder(tmp_path / "ladder.toml")
    assert ladder.name == "ladder"
    assert len(ladder.corpus.manifest) == 3
    (tmp_path / "moved").mkdir()
    for name in ("text", "ladder.toml"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    assert read_ladder(tmp_path / "moved" / "ladder.toml").jobs[0].run_id == ladder.jobs[0].run_id


@pytest.mark.parametrize("name", ["missing.toml", "broken.toml"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.toml").write_text("sizes = [\n")
    with pytest.raises(Refused, match=r"cannot be read|is not TOML"):
        read_ladder(tmp_path / name)


def test_corpora_are_what_they_say() -> None:
    assert {"standard-library", "folder", "task"} <= set(corpus_names())
    corpus = find_corpus("task", {"task": "lookup", "examples": 400}).read()
    again = find_corpus("task", {"task": "lookup", "examples": 400}).read()
    assert corpus.sha256 == again.sha256
    assert corpus.train.dtype == corpus.held_out.dtype == np.uint8
    assert 10 < len(corpus.train) / len(corpus.held_out) < 30
    prompts = [
        {line.partition(":")[0] for line in bytes(part).decode().splitlines() if ":" in line}
        for part in (corpus.train, corpus.held_out)
    ]
    assert prompts[1]
    assert not prompts[0] & prompts[1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_rise_to_their_peak_and_never_leave_it_upwards(name: str) -> None:
    shares = [SCHEDULES[name]().share(step, 200) for step in range(1, 201)]
    assert max(shares) == 1.0
    assert min(shares) >= 0.0
    peak = shares.index(1.0)
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers_hold_every_parameter_once(declared: dict[str, Any], name: str) -> None:
    from allometry.lab.models import build

    model = build(ladder_of(declared).jobs[0].shape, 16)
    groups = [group for optimiser in OPTIMISERS[name]().build(model) for group in optimiser.param_groups]
    held = [id(p) for group in groups for p in group["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters()}
    assert all(group["weight_decay"] == 0 for group in groups for p in group["params"] if p.dim() < 2)


def test_a_plan_adds_up(declared: dict[str, Any]) -> None:
    ladder = ladder_of(declared)
    plan = plan_ladder(ladder.jobs, lambda job: 0.5, 2)
    assert plan.flops == sum(job.flops for job in ladder.jobs)
    assert all(seconds > 0.5 * job.steps for job, seconds in zip(ladder.jobs, plan.seconds, strict=True))
    assert plan.total_seconds == pytest.approx(max(sum(plan.seconds) / 2, max(plan.seconds)))
    parameters = max(job.shape.parameters().total for job in ladder.jobs)
    assert plan.memory.weights == plan.memory.gradients == 4 * parameters
    pace, ground = roofline_pace(find_hardware("h200"))
    assert ground.mark == "assumed"
    assert pace(ladder.jobs[-1]) > 0


def test_paces_between_and_beyond_what_was_timed(declared: dict[str, Any]) -> None:
    jobs = [job for job in ladder_of(declared).jobs if job.steps == 24]
    pace = interpolated_pace([(job, 3e-9 * job.flops) for job in jobs])
    assert [pace(job) for job in jobs] == pytest.approx([3e-9 * job.flops for job in jobs])
    larger = ladder_of(changed(declared, "sizes.0.width", 64)).jobs[-1]
    assert pace(larger) == pytest.approx(3e-9 * 24 * larger.flops / larger.steps)
