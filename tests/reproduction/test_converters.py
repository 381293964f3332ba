"""Converters on small made-up checkouts whose tidy tables are written out by hand."""

from __future__ import annotations

import csv
import io
import json
import lzma
import pickle
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from allometry.notices import Refused
from allometry.reproduction import find_table, make_table, table_names
from allometry.reproduction.sources import csv_bytes


def converted(name: str, checkout: Path) -> list[dict[str, str]]:
    converter = import_module(f"allometry.reproduction.converters.{name}")
    return list(csv.DictReader(io.StringIO(csv_bytes(converter.convert(checkout)).decode())))


def write(checkout: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, contents in files.items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return checkout


def test_chinchilla(tmp_path: Path) -> None:
    lines = [f"{i},{i + 0.5},red,{10.0**i},{6 * 10.0 ** (2 * i + 1)},#0{i},{9.0 - i}" for i in range(1, 7)]
    header = "x,y,color,Model Size,Training FLOP,hex_color,loss"
    rows = converted("chinchilla_epoch", write(tmp_path, {"data/svg_extracted_data.csv": "\n".join([header, *lines])}))
    assert [row["excluded_by_epoch"] for row in rows] == ["1", "1", "1", "1", "1", "0"]
    assert rows[1] == {
        "run_id": "1", "params": "100.0", "tokens": "1000.0", "flops": "600000.0", "loss": "7.0", "svg_x": "2.0", "svg_y": "2.5",
        "color_hex": "#02", "tokens_per_param": "10.0", "excluded_by_epoch": "1",
    }  # fmt: skip


def test_parscale(tmp_path: Path) -> None:
    script = "\n".join([
        "import numpy", "if __name__ == '__main__':", "    params = [[10, 20], [11, 21]]", "    p = [[1] * 2, [2] * 2]",
        "    stack_loss = [[1.2, 1.1], [1.0, 0.9]]", "    pile_loss = [[2.2, 2.1], [2.0, 1.9]]", "    run(params)",
    ])  # fmt: skip
    rows = converted("parscale", write(tmp_path, {"parametric_fit.py": script}))
    assert [row["dataset"] for row in rows] == ["pile"] * 4 + ["stack_v2_python"] * 4
    last = {"params_non_embedding": "21", "params_base_non_embedding": "20", "streams": "2", "loss": "0.9"}
    assert rows[-1] == {**rows[-1], **last}


def test_bnsl(tmp_path: Path) -> None:
    script = "x = np.array([160, 192, 256])\ny = np.array([2.5, 2.4, 2.3])\nif True:\n    split_point = 2\n    x1 = x[:split_point]\n"
    name = find_table("bnsl_addition").files[0]
    rows = converted("bnsl_addition", write(tmp_path, {name: script}))
    assert [list(row.values()) for row in rows] == [
        ["160.0", "2.5", "fit"],
        ["192.0", "2.4", "fit"],
        ["256.0", "2.3", "extrapolate"],
    ]


def test_step_law(tmp_path: Path) -> None:
    header = "h,ffnh,numh,numl,lr,bs,ti,loss,smooth loss,exp_name,D,N,D/N"
    line = "960,9368,15,7,0.0003453,736,66342,2.4,2.39,a_bs736_mlr1.00e-05,1000,10,100.0"
    fits = "lr_intercept,lr_coefN\n1.5,-0.7\n"
    checkout = write(tmp_path, {
        "data/dense_lr_bs_loss.csv": f"{header}\n{line}\n",
        "data/1004_fitted_lr_bs_scaling_model_parameters.csv": fits,
    })  # fmt: skip
    (row,) = converted("steplaw_dense", checkout)
    expected = {"lr": "0.0003453", "loss_last": "2.4", "loss_smooth": "2.39", "params": "10", "tokens": "1000"}
    derived = {"seq_len": "2048", "batch_size_tokens": str(736 * 2048), "arch": "dense", "lr_min_schedule": "1.00e-05"}
    assert row == {**row, **expected, **derived}
    assert converted("steplaw_published_bootstrap_fits", checkout) == [{"lr_intercept": "1.5", "lr_coefN": "-0.7"}]


def test_misfitting(tmp_path: Path) -> None:
    text = "loss,C4 Eval Loss,N,N_no_emb,D,C,C_no_emb,peak_lr,sweep\n3.0,3.1,10,8,200,12000,9600,0.002,a\n"
    rows = converted("misfitting_final", write(tmp_path, {"data/scaling_results_last_ckpt_only.csv": text}))
    assert rows == [{
        "loss": "3.0", "loss_c4": "3.1", "params": "10", "params_non_embedding": "8", "tokens": "200", "flops": "12000",
        "C_no_emb": "9600", "lr": "0.002", "sweep": "a",
    }]  # fmt: skip


def test_vocabulary(tmp_path: Path) -> None:
    text = "vocab_size,embed_dim,num_characters,Non_vocab_parameters,FLOPs,Lossu\n4096,512,1.5e9,3e7,1e17,-2.5\n"
    (row,) = converted("vocab_scaling", write(tmp_path, {"exp_data.csv": text}))
    assert row == {
        "vocab_size": "4096.0", "hidden": "512.0", "characters": "1500000000.0", "params_non_vocab": "30000000.0", "flops": "1e+17",
        "loss_unigram_normalised": "-2.5",
    }  # fmt: skip


def test_data_constrained(tmp_path: Path) -> None:
    source = (
        "NAMES_TO_VAL_LOSSES = {'1b42b1b5seed1': 3.5, '1b424b2bc4seed2': 3.4, '1b424b11bseed1': 3.2, '1b42b': 3.3}\n"
    )
    source += "TOKENS_MAP = {'1b5': 1.5}\nPARAMS_MAP = {'1b4': 1.4e9}\n"
    printed = "1b42b1b 1400000000.0 2000000000.0 1000000000.0 3.25\n1b25\n"
    cells = [{"source": []}, {"source": [source]}, {"outputs": [{"text": [printed]}]}]
    rows = converted(
        "data_constrained", write(tmp_path, {"plotstables/return_alloc.ipynb": json.dumps({"cells": cells})})
    )
    assert [(row["run"], row["seeded"], row["source_cell"]) for row in rows] == [
        ("1b42b1b", "0", "printed_by_notebook"), ("1b42b1b5seed1", "1", "name_parsed"), ("1b424b2bc4seed2", "1", "name_parsed"),
    ]  # fmt: skip
    sizes = [[float(row[key]) for key in ("params", "tokens", "unique_tokens", "epochs", "flops")] for row in rows]
    assert sizes[0] == [1.4e9, 2e9, 1e9, 2.0, 6 * 1.4e9 * 2e9]
    assert sizes[2][:4] == [1.4e9, 24e9, 2e9, 12.0]


def test_a_name_that_reads_two_ways_is_left_out(tmp_path: Path) -> None:
    """11 billion after 55 billion is also 1 billion after 55.1."""
    source = "NAMES_TO_VAL_LOSSES = {'1b455b11bseed1': 3.5}\nTOKENS_MAP = {}\nPARAMS_MAP = {'1b4': 1.4e9}\n"
    cells = [{"source": []}, {"source": [source]}, {"outputs": [{"text": ["1b42b1b 1.0 2.0 1.0 3.25\n"]}]}]
    rows = converted(
        "data_constrained", write(tmp_path, {"plotstables/return_alloc.ipynb": json.dumps({"cells": cells})})
    )
    assert [row["run"] for row in rows] == ["1b42b1b"]


def test_data_mixing(tmp_path: Path) -> None:
    empty = {f"data/{suite}/{size}.txt": "" for suite, sizes in (
        ("2Mix", ("70M",)), ("3Mix", ("160M", "410M", "70M")), ("5Mix", ("160M", "1B", "305M", "410M")),
        ("RedPajama", ("160M", "1B", "305M", "410M", "70M")), ("ct", ()),
    ) for size in sizes}  # fmt: skip

    def line(run: str, domain: str, loss: float) -> str:
        return f"/a/{run}\t/b/pythia-pile.valid.{domain}.bin\t{loss}\n"

    two = line("160M_base2_5-0.75-0.25/14000", "Github", 1.5)
    five = [line(f"70M_3-0.5-0-0.5/{step}", "Pile-CC", 2.0 + step / 1e5) for step in (9000, 10000, 10000, 11000, 12000)]
    files = {"data/2Mix/160M.txt": two, "data/5Mix/70M.txt": "".join(five), "data/ct/70M.txt": line("pythia_70m_step20000", "PG19", 3.5)}  # fmt: skip
    rows = converted("data_mixing_laws", write(tmp_path, {**empty, **files}))
    assert [tuple(row.values()) for row in rows] == [
        ("2Mix", "160M", "160M_base2_5-0.75-0.25", "14000", "Github", "1.5", "0.75-0.25"),
        ("5Mix", "70M", "70M_3-0.5-0-0.5", "10000", "Pile-CC", "2.1", "0.5-0-0.5"),
        ("5Mix", "70M", "70M_3-0.5-0-0.5", "12000", "Pile-CC", "2.12", "0.5-0-0.5"),
        ("ct", "70M", "pythia_70m_step20000", "-1", "PG19", "3.5", ""),
    ]


def test_observational(tmp_path: Path) -> None:
    folder = "eval_results/base_llm_"
    head = "Model,Model Family,Model Size (B),Pretraining Data Size (T),FLOPs (1E21),MMLU"
    rows = converted("obs_scaling_base", write(tmp_path, {
        f"{folder}benchmark_eval.csv": f"{head}\nz,Z,7,2,84,0.5\na,A,1.5,,,0.25\n",
        f"{folder}emergent_capability_eval.csv": "Model,add\nz,0.125\n",
        f"{folder}leaderboard_v2_eval.csv": "Model,bbh\na,0.75\nunknown,1.0\n",
        f"{folder}post_training_eval.csv": "Model,gsm8k,other\na,0.5,0.5\n",
    }))  # fmt: skip
    assert rows == [
        {"model": "a", "family": "A", "flops": "", "tokens": "", "params": "1500000000.0", "MMLU": "0.25", "add": "", "bbh": "0.75", "gsm8k": "0.5"},
        {"model": "z", "family": "Z", "flops": "8.4e+22", "tokens": "2000000000000.0", "params": "7000000000.0", "MMLU": "0.5", "add": "0.125", "bbh": "", "gsm8k": ""},
    ]  # fmt: skip


def test_over_training(tmp_path: Path) -> None:
    def model(name: str, params: int, multiplier: float) -> dict[str, object]:
        settings = {"model": "configs/small.json", "tokens": 100, "warmup": 5, "lr": 0.003, "wd": 0.1, "cd": 3e-5, "global_bs": 64,
                    "z_loss": 1e-4, "params": params, "params_no_embed": params - 1, "chinchilla_multiplier": multiplier}  # fmt: skip
        losses = [("eval/c4_val/shard-{0..9}.tar", 3.0), ("eval/de-en/val_de-en_100.tar", 4.0)]
        results = [{"loss": loss, "loss_sequences_lower_95": loss - 0.5, "loss_sequences_upper_95": loss + 0.5, "val_data": [file]} for file, loss in losses]  # fmt: skip
        return {"name": name, "dataset_name": "rpj", "hyperparameters": settings, "results": results}

    files = {"exp_data/eval_metadata.csv": ""}
    for name, params, multiplier in (("late", 10, 2.0), ("large", 20, 0.5), ("early", 10, 0.5)):
        files[f"exp_data/models/{name}.json"] = json.dumps(model(name, params, multiplier))
        files[f"exp_data/evals/evaluation_{name}_heavy.json"] = json.dumps({"eval_metrics": {"icl": {"copa": 0.5}}})
    rows = converted("gadre_overtraining", write(tmp_path, files))
    assert [row["run"] for row in rows] == ["early", "late", "large"]
    expected = {
        "model": "small",
        "flops": "6000",
        "tokens_per_param_nominal": "10.0",
        "lr_final": "3e-05",
        "loss_c4_val": "3.0",
    }
    assert rows[0] == {**rows[0], **expected, "loss_lo95_val_de-en_100": "3.5", "acc_copa": "0.5"}


def test_compute_optimal(tmp_path: Path) -> None:
    measured = {"flops": [1e16, 2e16], "n": [1e6, None], "t": [1e9, None], "multiplier": [1e3, None], "loss": [4.5, None], "loss_t": [4.5, None],
                "n_star_std": [0.2, None], "multiplier_star_std": [0.4, None], "t_star_std": [0.2, None], "loss_star_std": [0.01, None]}  # fmt: skip
    optima = pd.DataFrame(measured, dtype=float)
    optima.columns = pd.Index(list(optima.columns), dtype=object)
    condition = {
        "dataset": "rw",
        "hparams": "base",
        "warmup": "long",
        "decay": "kaplan",
        "param_count": "kaplan",
        "val": "train",
    }
    summary = pd.DataFrame({**{k: [v] for k, v in condition.items()}, "optimal_pairs": [optima]}, dtype=object)
    summary.columns = pd.Index(list(summary.columns), dtype=object)
    packed = lzma.compress(pickle.dumps(summary, protocol=4))
    names = ("summary_df", "summary_df_att", "summary_df_kaplan_tuned_hparams", "summary_df_owt2")
    rows = converted("porian_compute_optimal", write(tmp_path, {f"data/{name}.pickle.xz": packed for name in names}))
    assert [row["file"] for row in rows] == [name for name in names for _ in range(2)]
    assert rows[0] == {**rows[0], **condition, "flops": "1e+16", "n": "1000000.0", "n_star_std": "0.2"}
    assert (rows[1]["n"], rows[1]["flops"]) == ("", "2e+16")


def test_repeated_sampling(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "processed_data"
    folder.mkdir(parents=True)
    columns = {"Model": ["M", "M"], "Benchmark": ["MATH", "MATH"], "Problem Idx": [82, 82], "Num. Samples Total": [10, 10],
               "Num. Samples Correct": [3.0, 3.0], "Scaling Parameter": [1, 5], "Score": [0.3, 0.9]}  # fmt: skip
    pl.DataFrame(columns).write_parquet(folder / "large_language_monkeys_original_pass_at_k.parquet")
    assert converted("monkeys_pythia_math", tmp_path) == [
        {"model": "M", "benchmark": "MATH", "problem": "82", "samples_total": "10", "samples_correct": "3.0", "source": "pythia_original"},
    ]  # fmt: skip


def test_a_table_is_written_whole_and_said_not_to_be_the_published_one(tmp_path: Path) -> None:
    checkout = write(tmp_path / "checkout", {"data/1004_fitted_lr_bs_scaling_model_parameters.csv": "a\n1\n"})
    made = make_table("steplaw_published_bootstrap_fits", checkout, tmp_path)
    assert not made.same
    assert made.path.read_text() == "a\n1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkout", "steplaw_published_bootstrap_fits.csv"]


@pytest.mark.parametrize("name", table_names())
def test_another_repository_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="the checkout has no"):
        make_table(name, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_version_and_unwritable_folders_are_refused(tmp_path: Path) -> None:
    damaged = {
        "steplaw_dense": "h,lr\n1,2\n", "vocab_scaling": "vocab_size\nmany\n", "parscale": "params = [", "data_constrained": "{",
        "porian_compute_optimal": "no archive", "monkeys_pythia_math": "no parquet", "chinchilla_epoch": "x,y\n1\n",
    }  # fmt: skip
    for name, text in damaged.items():
        write(tmp_path, dict.fromkeys(find_table(name).files, text))
        with pytest.raises(Refused, match="not those of commit"):
            make_table(name, tmp_path, tmp_path)
    with pytest.raises(Refused, match="is no folder"):
        make_table("parscale", tmp_path / "absent", tmp_path)
    write(tmp_path, {"data/1004_fitted_lr_bs_scaling_model_parameters.csv": "a\n1\n"})
    with pytest.raises(Refused, match="cannot be written"):
        make_table("steplaw_published_bootstrap_fits", tmp_path, tmp_path / "absent")
