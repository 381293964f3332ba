"""What tells the recipes of ladders apart: mechanism, techniques and settings; never the seed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allometry.notices import Refused

if TYPE_CHECKING:
    import polars as pl

# Columns that tell recipes apart beside the mechanism, with what is not named; and the column that names them.
PLAIN = {"loops": 1, "streams": 1, "experts": 1, "active_experts": 1, "growth_factor": 1, "regulariser_weight": 0,
         "regulariser_period": 0, "context": 0, "optimiser": "", "schedule": "", "precision": ""}  # fmt: skip
WORDS = {"growth_factor": "stacked x", "regulariser_weight": "regulariser ", "regulariser_period": "period ",
         "injection": "injection "}  # fmt: skip
# Columns that name a recipe where these, and its size, do not tell its runs apart, with what is not named: what goes
# with the size, as a rank for each width, makes no recipe of its own.
FURTHER = {"injection": "none", "structure": "dense", "rank": 0, "blocks": 1, "looped_layers": 0, "shared_experts": 0,
           "granularity": 1, "dense_layers": 0, "head_size": 0, "stacking": ""}  # fmt: skip
SIZE = ("depth", "width", "heads", "ffn")
RECIPE = "recipe"
# Points of these are apart, whatever their seeds.
POINT = ("flops", "params", *SIZE, "learning_rate", "batch_tokens")


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a column that names recipes, those that differ least from the plain one first.

    Named are mechanism, what varies beside it, the settings in which the ladders differ and, where those do not tell
    two runs of one seed apart, the folder.
    """
    import polars as pl

    varied, plain = [name for name in PLAIN if rows[name].n_unique() > 1], PLAIN | FURTHER
    seen = rows.group_by("mechanism", "settings", *varied, *SIZE).agg(pl.col(*FURTHER).drop_nulls().n_unique())
    varied += [name for name in FURTHER if (seen[name] > 1).any()]
    names, extras = list[str](), list[int]()
    for row in rows.select("mechanism", "settings", *varied).iter_rows(named=True):
        said = [
            f"{WORDS.get(name, f'{name} ')}{row[name]:g}" if isinstance(row[name], int | float) else f"{WORDS.get(name, '')}{row[name]}"
            for name in varied if row[name] is not None and row[name] != plain[name]
        ]  # fmt: skip
        names.append(", ".join([row["mechanism"], *said, *([row["settings"]] if row["settings"] else [])]))
        extras.append(len(said) + (row["mechanism"] != "plain"))
    found = rows.with_columns(pl.Series(RECIPE, names), pl.Series("extras", extras))
    found = found.sort("extras", maintain_order=True).drop("extras")
    unclear = pl.col(RECIPE).is_in(_twice(found, RECIPE)[RECIPE].unique().to_list())
    return found.with_columns(pl.when(unclear).then(pl.col(RECIPE) + ", " + pl.col("folder")).otherwise(pl.col(RECIPE)).alias(RECIPE))  # fmt: skip


def check_one_recipe(rows: pl.DataFrame, by: str) -> None:
    """Refuse recipes that hold several experiments, whose mean would pass for one over seeds."""
    for (recipe,), group in rows.group_by(by, maintain_order=True):
        if len(kinds := group["settings"].unique(maintain_order=True)) > 1:
            raise Refused("several-recipes", f"{by} {recipe} holds runs of several settings ({'; '.join(kinds)})", "--by",
                          "leave it out, and settings tell recipes apart")  # fmt: skip
    if len(twice := _twice(rows, by)):
        recipe, runs = str(twice[by][0]), twice["run_id"][0]
        raise Refused(
            "several-recipes", f"{by} {recipe} holds two runs of one size, budget, rate and seed ({runs[0]}, {runs[1]})",
            "the folders", "tell them apart with --by, or keep runs of other settings in a folder of their own",
        )  # fmt: skip


def _twice(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """Points of a recipe to which one seed came more than once, with the runs."""
    import polars as pl

    ends = rows.filter(pl.col("step") == pl.col("steps"))
    seen = ends.group_by(by, *POINT, "seed", maintain_order=True).agg(pl.col("run_id").unique(maintain_order=True))
    return seen.filter(pl.col("run_id").list.len() > 1)
