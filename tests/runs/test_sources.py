"""Sources that need no library: what each reads, how a text names one, and what is refused."""

from __future__ import annotations

import json
import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs.sources import SOURCES, Record, find_source
from allometry.runs.sources.contract import GROWING, needed
from allometry.runs.sources.files import files_below
from allometry.runs.sources.tensorboard_frames import read_frames
from allometry.runs.sources.wandb_frames import Frames

ROOT = Path(__file__).parents[2]


def records(text: str, wanted: frozenset[str] | None = None) -> dict[str, Record]:
    """Every item of a source by its key, read after being sent as to another process."""
    source, rest = find_source(text)
    return {item.key: pickle.loads(pickle.dumps(item.read))(wanted) for item in source.items(rest)}


def values(record: Record, name: str) -> tuple[list[float], list[float]]:
    steps, found = record.series[name]
    return steps.tolist(), found.tolist()


def test_every_source_has_a_prefix_and_an_extra_that_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert len({source.prefix for source in SOURCES}) == len(SOURCES) == 8
    for source in SOURCES:
        assert source.extra == "" or source.extra in extras


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.prefix)
def test_a_source_that_is_not_there_is_refused_in_one_sentence(source, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        source.items(str(tmp_path / "absent"))
    assert refused.value.mend


def test_a_missing_library_says_how_to_install_it() -> None:
    with pytest.raises(Refused, match=r"pip install 'allometry\[wandb\]'"):
        needed("no_such_library.proto", "wandb", "W&B's files")


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("run1.csv", "csv"), ("results.csv", "csv"), ("a/trainer_state.json", "trainer"), ("results_2026.json", "lm-eval"),
        ("events.out.tfevents.1.host", "tensorboard"), ("run-1.wandb", "wandb"), ("2026_task.eval", "inspect"),
    ],
)  # fmt: skip
def test_a_path_is_known_by_what_it_holds(tmp_path: Path, name: str, prefix: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("step,loss\n1,2\n")
    assert find_source(str(tmp_path))[0].prefix == prefix


def test_a_path_of_two_kinds_or_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such file"):
        find_source(str(tmp_path / "absent"))
    with pytest.raises(Refused, match="known kind"):
        find_source(str(tmp_path))
    (tmp_path / "trainer_state.json").write_text("{}")
    (tmp_path / "run.wandb").write_text("")
    with pytest.raises(Refused, match="wandb, trainer"):
        find_source(str(tmp_path))
    assert find_source(f"trainer:{tmp_path}")[0].prefix == "trainer"


def test_files_are_listed_in_order_and_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "b.csv").write_text("")
        (folder / "a.csv").write_text("")
    (inside / "away").symlink_to(outside)
    assert [path.name for path in files_below(inside, lambda name: True)] == ["a.csv", "b.csv"]


def test_csv_tells_settings_from_metrics(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'run_id,tags,iter,width,opt,loss,lr,tokens\nx,"p,q",1,64,adam,4,0.1,10\nx,"p,q",2,64,adam,,0.2,20\n'
    )
    found = records(f"csv:{tmp_path}")["a.csv"]
    assert (found.run_id, found.tags, found.config) == ("x", ("p", "q"), {"width": 64.0, "opt": "adam"})
    assert values(found, "loss") == ([1.0], [4.0])
    assert values(found, "lr") == ([1.0, 2.0], [0.1, 0.2])
    assert found.logged == ("loss", "lr", "tokens")


def test_csv_of_one_row_has_what_grows_as_a_metric(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("step,width,loss,tokens,flops\n100,64,4,10,20\n")
    found = records(f"csv:{tmp_path}")["a.csv"]
    assert found.config == {"width": 64.0}
    assert set(found.logged) == {"loss", "tokens", "flops"} <= {"loss", *GROWING}


def test_csv_without_steps_counts_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("loss,note\n4,ok\nnan,so\n2,x\n")
    found = records(f"csv:{tmp_path}")["a.csv"]
    steps, losses = values(found, "loss")
    assert steps == [1, 2, 3]
    assert np.isnan(losses[1])


def test_csv_with_several_runs_in_a_file_needs_no_import(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run_id,loss\na,1\nb,2\n")
    with pytest.raises(Refused, match="allometry runs FILE"):
        records(f"csv:{tmp_path}")


def test_csv_with_a_state_of_its_own_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("state,loss\nFinished,1\n")
    (tmp_path / "b.csv").write_text("state,loss\ndone,1\n")
    found = records(f"csv:{tmp_path}")
    assert found["a.csv"].state == "finished"
    assert found["b.csv"].state is None
    assert [notice.code for notice in found["b.csv"].notices] == ["unknown-state"]


STATE = {
    "global_step": 20, "max_steps": 40, "num_train_epochs": 1,
    "log_history": [{"loss": 4.0, "epoch": 0.1, "step": 10}, {"eval_loss": float("nan"), "step": 20}],
}  # fmt: skip


def test_the_last_trainer_state_that_can_be_read_is_the_run(tmp_path: Path) -> None:
    for step in (20, 100):
        folder = tmp_path / "run" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"n_layer": 4, "rope": {"theta": 1e4}}))
        (folder / "trainer_state.json").write_text(json.dumps(STATE))
    (tmp_path / "run" / "checkpoint-100" / "trainer_state.json").write_text(json.dumps(STATE)[:-30])
    found = records(f"trainer:{tmp_path}")["run"]
    assert (found.run_id, found.state) == ("run", "running")
    assert found.config == {"max_steps": 40, "num_train_epochs": 1, "n_layer": 4, "rope.theta": 1e4}
    assert values(found, "loss") == ([10.0], [4.0])
    assert np.isnan(values(found, "eval_loss")[1][0])
    (told,) = found.notices
    assert "checkpoint before it" in told.message


def test_a_trainer_state_without_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trainer_state.json").write_text('{"global_step": 3}')
    with pytest.raises(Refused, match="log_history"):
        records(f"trainer:{tmp_path}")


def test_one_trainer_state_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "ladder" / "checkpoint-20"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps(STATE))
    assert list(records(str(folder / "trainer_state.json"))) == ["ladder"]


NANOCHAT = (
    "flops_budget,depth,model_dim,params_total,num_iterations,tokens_trained,val_bpb,core_score,train_time_sec\n"
    "1e18,10,640,5e7,1000,524288000,0.91,0.12,99\n"
    "1e18,12,768,9e7,500,262144000,0.95,0.0,98\n"
    "1e18,14,896,1.4e8,300,157286400,,0.0,10\n"
)


def test_nanochats_table_is_one_run_a_row(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(NANOCHAT)
    assert find_source(str(tmp_path))[0].prefix == "nanochat"
    best, unscored, failed = records(f"nanochat:{tmp_path}").values()
    assert best.run_id == "flops_budget1e18_depth10"
    assert values(best, "val_bpb") == ([1000.0], [0.91])
    assert values(best, "tokens_trained") == ([1000.0], [524288000.0])
    assert best.config["params_total"] == 5e7
    assert "core_score" not in unscored.series
    assert (best.state, unscored.state, failed.state) == ("finished", "finished", "crashed")


def test_a_cell_that_nanochat_ran_twice_is_two_runs(tmp_path: Path) -> None:
    header, first, *_ = NANOCHAT.splitlines()
    (tmp_path / "results.csv").write_text("\n".join([header, first, first.replace("0.91", "0.92")]) + "\n")
    assert [record.run_id[-5:] for record in records(f"nanochat:{tmp_path}").values()] == ["row 0", "row 1"]


def test_another_table_is_not_nanochats(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Refused, match="tokens_trained"):
        records(f"nanochat:{tmp_path / 'results.csv'}")


def result(step: str, **scores: float) -> str:
    """A file of results as version 0.4.13 of the harness writes it, the settings of tasks and versions left out."""
    arguments = f"pretrained=org/m,revision={step}"
    config = {"model": "hf", "model_args": arguments, "batch_size": "8", "batch_sizes": [], "limit": None,
              "bootstrap_iters": 100000, "random_seed": 0, "nested": {"a": 1}}  # fmt: skip
    arc = {
        "name": "arc",
        "alias": "arc",
        "sample_len": 500,
        **{f"{name},none": value for name, value in scores.items()},
    }
    arc |= {f"{name}_stderr,none": "N/A" for name in scores}
    return json.dumps({"results": {"arc": arc}, "configs": {"arc": {"task": "arc"}}, "n-shot": {"arc": 0},
                       "config": config, "model_source": "hf", "model_name": "org/m"})  # fmt: skip


def test_lm_evals_files_of_one_model_are_its_checkpoints(tmp_path: Path) -> None:
    for step in ("step1000", "step-2000", "main"):
        (tmp_path / f"results_{step}.json").write_text(result(step, acc=0.25))
    found = records(f"lm-eval:{tmp_path}")
    assert {record.run_id for record in found.values()} == {"org/m"}
    steps = {key: values(record, "arc/acc")[0][0] for key, record in found.items()}
    assert steps == {"results_main.json": 0, "results_step-2000.json": 2000, "results_step1000.json": 1000}
    assert found["results_main.json"].logged == ("arc/sample_len", "arc/acc")
    assert found["results_main.json"].config["bootstrap_iters"] == 100000
    assert found["results_main.json"].config["nested.a"] == 1


def test_lm_evals_model_may_be_a_folder_of_checkpoints(tmp_path: Path) -> None:
    contents = json.loads(result("main", acc=0.5)) | {"model_name": "out/small/checkpoint-500"}
    (tmp_path / "results.json").write_text(json.dumps(contents))
    (found,) = records(f"lm-eval:{tmp_path}").values()
    assert found.run_id == "out/small"
    assert values(found, "arc/acc")[0] == [500]


def test_other_json_is_not_lm_evals(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[1]")
    with pytest.raises(Refused, match="JSON object"):
        records(f"lm-eval:{tmp_path}")
    (tmp_path / "results.json").write_text('{"a": 1}')
    with pytest.raises(Refused, match="`results`"):
        records(f"lm-eval:{tmp_path}")


def test_only_what_is_wanted_is_held_and_all_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("step,loss,acc\n1,2,3\n2,3,4\n")
    (tmp_path / "results.csv").write_text(NANOCHAT)
    (tmp_path / "results_1.json").write_text(result("step1", acc=0.5, f1=0.5))
    (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
    for prefix, name in (("csv", "loss"), ("nanochat", "val_bpb"), ("lm-eval", "arc/acc"), ("trainer", "loss")):
        found = next(iter(records(f"{prefix}:{tmp_path}", frozenset([name])).values()))
        assert set(found.series) == {name}
        assert len(found.logged) > 1


@pytest.mark.parametrize("contents", [b"", b":W&B", b"\x00" * 40, b"xyz" * 50])
def test_a_file_of_another_kind_has_no_records(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(contents)
    assert read_frames(path)[0] == []
    if contents[:4] == b":W&B":
        assert list(Frames(path)) == []
    else:
        with pytest.raises(Refused, match="offline files"):
            Frames(path)


def test_an_unknown_project_form_is_refused_before_any_library_is_asked(tmp_path: Path) -> None:
    for text in ("wandb:entity", "wandb:/a/b", "wandb:a/b/c", "wandb:./logs", "mlflow:sqlite:///x.db"):
        with pytest.raises(Refused) as refused:
            records(text)
        assert refused.value.code in ("no-project", "no-experiment")
    with pytest.raises(Refused, match="no such database"):
        records(f"mlflow:sqlite:///{tmp_path}/x.db#ladder")
