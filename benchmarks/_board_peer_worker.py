"""Run by a Python that has simple-scaling-laws: every family of two predictors at its defaults, JSON in and out.

The value is the package's own forecast, the median of its draws of the mean; the interval is of a new run. AICc takes
the residual sum of squares that it reports, with one parameter for the noise.
"""

import json
import math
import sys
import time
import warnings

import polars as pl
from simple_scaling_laws import available_laws, fit

TARGET = "test_loss__loss"
ONE_PREDICTOR = "broken-power"


def frame(columns: dict) -> pl.DataFrame:
    names = {"params": "model_size__params", "tokens": "dataset_size__tokens", "loss": TARGET}
    made = pl.DataFrame({names[name]: values for name, values in columns.items()})
    return made.with_columns(pl.Series("training_run_id", [str(i) for i in range(made.height)]))


def aicc(quality: dict) -> float:
    rows, unknowns = quality["n_observations"], quality["n_params"] + 1
    spread = rows * math.log(quality["rmse"] ** 2)
    return spread + 2 * unknowns + 2 * unknowns * (unknowns + 1) / (rows - unknowns - 1)


def family(law: str, asked: dict) -> dict:
    begun = time.process_time()
    model = fit(frame(asked["train"]), law=law)
    points = frame(asked["test"]).select("model_size__params", "dataset_size__tokens")
    ends = [(1 - asked["level"]) / 2, 0.5, (1 + asked["level"]) / 2]
    mean, run = (model.predict(points, kind=kind, quantiles=ends) for kind in ("mean", "new-run"))
    low, high = (run[f"{TARGET}__q{round(1000 * end):03d}"].to_list() for end in (ends[0], ends[2]))
    return {
        "value": mean[f"{TARGET}__median"].to_list(), "low": low, "high": high,
        "aicc": aicc(model.diagnostics["fit_quality"][TARGET]), "seconds": time.process_time() - begun,
    }  # fmt: skip


def main() -> None:
    warnings.simplefilter("ignore")  # it warns that the points are beyond the runs, which is the question
    asked = json.load(sys.stdin)
    json.dump({law: family(law, asked) for law in available_laws() if law != ONE_PREDICTOR}, sys.stdout)


if __name__ == "__main__":
    main()
