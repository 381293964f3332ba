"""Chinchilla's runs as Epoch read them off figure 4: sizes and FLOPs as extracted, tokens by C = 6ND."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, read_csv

LEFT_OUT = 5  # the highest losses, which the authors' notebook drops before it fits


def convert(checkout: Path) -> Columns:
    source = read_csv(checkout, "data/svg_extracted_data.csv")
    params, flops, loss = ([float(x) for x in source[name]] for name in ("Model Size", "Training FLOP", "loss"))
    tokens = [c / (6 * n) for c, n in zip(flops, params, strict=True)]
    highest = sorted(loss)[-LEFT_OUT]
    return {
        "run_id": range(len(loss)),
        "params": params,
        "tokens": tokens,
        "flops": flops,
        "loss": loss,
        "svg_x": [float(x) for x in source["x"]],
        "svg_y": [float(y) for y in source["y"]],
        "color_hex": source["hex_color"],
        "tokens_per_param": [d / n for d, n in zip(tokens, params, strict=True)],
        "excluded_by_epoch": [int(value >= highest) for value in loss],
    }
