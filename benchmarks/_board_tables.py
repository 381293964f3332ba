"""The pretraining tables of the board: which rows, which metric, which axes, and what is held out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from _board_case import Case, above, columns_of, runs_of

LARGEST = 0.7  # runs above this quantile of compute are held out where a table has no natural largest scale
PRETRAINING = ("params", "tokens", "flops")
TASKS_17 = [
    "bigbench_operators",
    "pubmed_qa_labeled",
    "hellaswag_zeroshot",
    "boolq",
    "arc_easy",
    "coqa",
    "bigbench_dyck_languages",
    "lambada_openai",
    "bigbench_novel_concepts",
    "winograd",
    "bigbench_cs_algorithms",
    "commonsense_qa",
    "bigbench_qa_wikidata",
    "hellaswag",
    "copa",
    "squad",
    "piqa",
]  # the 17 tasks of Gadre et al. 2024 that beat chance at small scale


def gadre() -> Iterator[Case]:
    """Over-training: loss from sizes and tokens, and the error of 17 tasks from the loss."""
    found = columns_of("gadre_overtraining")
    found["loss"], found["non_embedding_params"] = found["loss_c4_val"], found["params_non_embedding"]
    found["error"] = 1 - np.mean([found[f"acc_{task}"] for task in TASKS_17], axis=0)
    held, axes = "params > 5e8", (*PRETRAINING, "non_embedding_params")
    for train in ("rpj", "c4_original", "rw_original"):
        runs = runs_of(found, f'train_dataset == "{train}"')
        yield Case("gadre", train, "gadre_overtraining", "gadre", runs, "loss", axes, held, "models above 500 M")
        seen = ("loss", "params", "flops")
        yield Case("gadre, 17 tasks", train, "gadre_overtraining", "gadre", runs, "error", seen, held,
                   "models above 500 M, their loss given")  # fmt: skip


def hoffmann() -> Iterator[Case]:
    """The chinchilla runs as two readings of one figure."""
    held = ("flops > 1e21", "runs above 1e21 FLOPs")
    runs = runs_of(columns_of("chinchilla_epoch"), "excluded_by_epoch == 0")
    yield Case("epoch", "240 rows", "chinchilla_epoch", "hoffmann", runs, "loss", PRETRAINING, *held)
    again = runs_of(columns_of("kyotakano_llm"))
    yield Case("kyotakano (runs of epoch again)", "", "kyotakano_llm", "hoffmann", again, "loss", PRETRAINING, *held)


def misfitting() -> Iterator[Case]:
    """Final losses under several learning rates, and checkpoints of the same runs."""
    found = columns_of("misfitting_final")
    found["non_embedding_params"] = found["params_non_embedding"]
    axes = (*PRETRAINING, "non_embedding_params")
    runs = runs_of(found)
    yield Case("misfitting", "final", "misfitting_final", "misfitting", runs, "loss", axes, above(runs, "flops", LARGEST),
               "top 30% of FLOPs")  # fmt: skip
    yield _checkpoints()


def _checkpoints() -> Case:
    """Five checkpoints of the second half of each run; the runs of most compute are held out whole."""
    found = columns_of("misfitting_checkpoints")
    names = zip(found["model"], found["lr"], found["total_steps"], found["sweep"], strict=True)
    _, run = np.unique([repr(name) for name in names], return_inverse=True)
    kept = np.zeros(len(run), dtype=bool)
    reach = np.zeros(len(run))
    for number in range(run.max() + 1):
        rows = np.flatnonzero(run == number)
        reach[rows] = found["flops"][rows].max()
        late = rows[found["portion_steps_elapsed"][rows] >= 0.5]
        late = late[np.unique(found["tokens"][late], return_index=True)[1]]  # a few are listed twice
        kept[late[np.unique(np.linspace(0, len(late) - 1, 5).round().astype(int))]] = True
    columns = {name: found[name][kept] for name in ("params", "tokens", "flops", "loss")}
    columns |= {
        "non_embedding_params": found["params_non_embedding"][kept], "steps": found["current_steps"][kept],
        "batch_tokens": (found["tokens"] / found["current_steps"])[kept], "run_id": run[kept].astype(str),
        "run_flops": reach[kept],
    }  # fmt: skip
    runs = runs_of(columns)
    axes = (*PRETRAINING, "non_embedding_params", "steps", "batch_tokens")
    return Case("misfitting, checkpoints", "", "misfitting_checkpoints", "misfitting", runs, "loss", axes,
                above(runs, "run_flops", LARGEST), "whole runs, top 30% of FLOPs")  # fmt: skip


def parscale() -> Iterator[Case]:
    """Parallel streams on two corpora: the largest model, and the most streams."""
    found = columns_of("parscale")
    found["params"] = found["params_non_embedding"]
    for corpus in ("pile", "stack_v2_python"):
        runs = runs_of(found, f'dataset == "{corpus}"')
        size = float(np.max(runs.columns["params_base_non_embedding"]))
        for held, words, along in (
            (f"params_base_non_embedding == {size!r}", "largest model", "params"),
            ("streams == 8", "most streams", "streams"),
        ):
            yield Case(f"parscale, {words}", corpus, "parscale", "parscale", runs, "loss", ("params", "streams"), held,
                       words, along)  # fmt: skip


def data_constrained() -> Iterator[Case]:
    """Repeated data: the largest compute, and the most epochs. Beyond 100 epochs runs only overfit."""
    runs = runs_of(columns_of("data_constrained"), "seeded == 0 and epochs <= 100")
    axes = (*PRETRAINING, "unique_tokens")
    for held, words in ((above(runs, "flops", 0.8), "top 20% of FLOPs"), ("epochs > 10", "more than 10 epochs")):
        along = "flops" if "FLOPs" in words else "epochs"
        yield Case(f"data_constrained, {words}", "", "data_constrained", "data constrained", runs, "loss", axes, held,
                   words, along)  # fmt: skip


def step_law() -> Iterator[Case]:
    """The best run of each size and token count: its loss, its learning rate and its batch."""
    found = columns_of("steplaw_dense")
    cells = np.unique(np.stack([found["params"], found["tokens"]]), axis=1).T
    best = [_best(found, *cell) for cell in cells]
    names = {"params": "params", "tokens": "tokens", "loss": "loss_smooth", "learning_rate": "lr",
             "batch_tokens": "batch_size_tokens", "steps": "steps"}  # fmt: skip
    runs = runs_of({name: found[column][best] for name, column in names.items()})
    held = (above(runs, "flops", LARGEST), "top 30% of FLOPs")
    for metric, axes in (
        ("loss", (*PRETRAINING, "steps", "batch_tokens")),
        ("learning_rate", PRETRAINING),
        ("batch_tokens", PRETRAINING),
    ):
        yield Case(f"step law, best {metric}", "", "steplaw_dense", "step law", runs, metric, axes, *held)


def _best(found: dict[str, np.ndarray], params: float, tokens: float) -> int:
    cell = np.flatnonzero((found["params"] == params) & (found["tokens"] == tokens))
    return int(cell[np.argmin(found["loss_smooth"][cell])])


def xlstm() -> Iterator[Case]:
    """IsoFLOP runs of two architectures; the largest budget of each context is held out."""
    found = columns_of("xlstm_isoflop")
    found |= {"loss": found["loss_val_final"], "flops": found["flops_6nd"], "steps": found["steps_planned"],
              "batch_tokens": found["batch_size_seqs"] * found["context"]}  # fmt: skip
    del found["run"], found["steps_done"], found["steps_planned"]
    for arch, context, last in (
        ("transformer", 2048, "sclaw_llama_iso9"), ("transformer", 8192, "sclaw_llama_iso13"),
        ("transformer", 16384, "sclaw_llama_iso10"), ("xlstm", 16384, "sclaw_mlstm_ctx_iso4"),
    ):  # fmt: skip
        # one run ended at 10.8 nats per token: it diverged
        runs = runs_of(found, f'arch == "{arch}" and context == {context} and complete == 1 and loss < 9')
        axes = (*PRETRAINING, "steps", "batch_tokens")
        yield Case("xlstm, isoFLOP", f"{arch} {context}", "xlstm_isoflop", "xlstm", runs, "loss", axes,
                   f'group == "{last}"', "largest budget")  # fmt: skip


def porian() -> Iterator[Case]:
    """Compute-optimal points of 15 conditions: parameters, tokens and loss at the largest budgets."""
    found = columns_of("porian_compute_optimal")
    keys = ("file", "dataset", "hparams", "warmup", "decay", "param_count", "val")
    names = np.array([" ".join(parts) for parts in zip(*(found[key] for key in keys), strict=True)])
    finite = np.isfinite(found["n"])
    for name in dict.fromkeys(names.tolist()):
        rows = finite & (names == name)
        kept = {"flops": found["flops"], "params": found["n"], "tokens": found["t"], "loss": found["loss"]}
        runs = runs_of({column: values[rows] for column, values in kept.items()})
        for metric in ("params", "tokens", "loss"):
            yield Case(f"porian, best {metric}", name, "porian_compute_optimal", "porian", runs, metric, ("flops",),
                       above(runs, "flops", LARGEST), "top 30% of FLOPs")  # fmt: skip


def vocabulary() -> Iterator[Case]:
    """Loss over vocabularies; the largest model is held out. Its metric is negative, so errors are in nats."""
    found = columns_of("vocab_scaling")
    log_vocab = np.log(found["vocab_size"])
    per_character = 0.00639222 * log_vocab**2 - 0.15811069 * log_vocab + 1.20470122  # Tao et al. 2024, their code
    run = [f"{vocab:.0f} {width:.0f}" for vocab, width in zip(found["vocab_size"], found["hidden"], strict=True)]
    columns = {
        "vocab": found["vocab_size"], "width": found["hidden"], "non_embedding_params": found["params_non_vocab"],
        "tokens": found["characters"] * per_character, "unigram_normalised_loss": found["loss_unigram_normalised"],
        "flops": found["flops"], "run_id": np.array(run, dtype=object),
    }  # fmt: skip
    runs = runs_of(columns, "flops >= 2.18e17")  # the authors' own cut
    size = float(np.max(columns["non_embedding_params"]))
    yield Case("vocabulary", "", "vocab_scaling", "vocabulary", runs, "unigram_normalised_loss",
               ("non_embedding_params", "vocab", "width", "tokens"), f"non_embedding_params == {size!r}",
               "largest model", nats=True)  # fmt: skip
