"""Measure the embedded ladder again: `python -m allometry.lab.embedded --out DIR`.

About 70 runs of a byte-level transformer on the running interpreter's standard library:
six sizes, five budgets, three seeds on the four smaller sizes; about 50 minutes on two cores
(`--quick`: 17 runs in about five minutes; both measured). Kill it and start it again: it resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

from allometry.costs import Shape
from allometry.lab.corpus import Corpus, read_corpus
from allometry.lab.ladder import Run, run_ladder
from allometry.lab.training import Recipe

BYTES = 256


def _shape(width: int, layers: int, heads: int) -> Shape:
    return Shape(layers=layers, width=width, heads=heads, head_size=width // heads, ffn=4 * width, vocab=BYTES)


SHAPES = (_shape(32, 1, 2), _shape(48, 1, 3), _shape(56, 2, 4), _shape(80, 2, 5), _shape(96, 3, 6), _shape(128, 4, 8))
BUDGETS = tuple(2**k for k in range(19, 24))
REPEATED_SIZES, SEEDS = 4, 3


def ladder() -> list[Run]:
    """All 70 runs: every size at every budget, and two more seeds for the smaller sizes."""
    first = [Run(shape, tokens, 0) for shape, tokens in product(SHAPES, BUDGETS)]
    more = product(SHAPES[:REPEATED_SIZES], BUDGETS, range(1, SEEDS))
    return first + [Run(shape, tokens, seed) for shape, tokens, seed in more]


def quick_ladder() -> list[Run]:
    """17 runs on a subset of the same grid: enough to see the law, not to trust it."""
    grid = [(s, b) for s, b in product(SHAPES[:5], BUDGETS[:4]) if s.parameters().total * b < 5e11]
    return [Run(shape, tokens, 0) for shape, tokens in grid]


def provenance(corpus: Corpus, recipe: Recipe) -> dict[str, object]:
    """Everything a reader needs to judge or repeat the measurement."""
    import torch

    return {
        "format": "allometry-ladder-provenance",
        "version": 1,
        "command": "python -m allometry.lab.embedded --out DIR",
        "python": sys.version,
        "torch": torch.__version__,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "recipe": asdict(recipe),
        "loss": {"unit": "nats per byte", "held_out_files": [f.path for f in corpus.manifest if f.held_out]},
        "corpus_sha256": corpus.sha256,
        "corpus": [asdict(f) for f in corpus.manifest],
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def check_corpus(corpus: Corpus, out: Path, allow_other: bool) -> None:
    """Refuse to add rows measured on other bytes to a table, or to repeat it on them unasked."""
    here = out / "provenance.json"
    known = here if here.exists() else Path(__file__).parents[1] / "runs" / "embedded" / "provenance.json"
    if not known.exists():
        return
    recorded = json.loads(known.read_text())
    if recorded["corpus_sha256"] == corpus.sha256:
        return
    version = recorded["python"].split()[0]
    if known is here or not allow_other:
        mend = "use an empty --out" if known is here else f"use Python {version}, or pass --other-corpus"
        raise SystemExit(
            f"this interpreter's standard library is not the one measured (Python {version}): losses will differ; {mend}"
        )
    print("note: another corpus than the embedded ladder's; losses will differ from it", file=sys.stderr)


def write_provenance(out: Path, contents: dict[str, object]) -> None:
    partial = out / "provenance.json.partial"
    partial.write_text(json.dumps(contents, indent=1) + "\n")
    partial.replace(out / "provenance.json")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m allometry.lab.embedded", description="Measure the embedded ladder again."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for ladder.csv and provenance.json")
    parser.add_argument("--quick", action="store_true", help="17 runs, about five minutes on two cores")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    parser.add_argument(
        "--other-corpus", action="store_true", help="accept another standard library than the one measured"
    )
    options = parser.parse_args()
    recipe, corpus = Recipe(), read_corpus()
    options.out.mkdir(parents=True, exist_ok=True)
    check_corpus(corpus, options.out, options.other_corpus)
    write_provenance(options.out, provenance(corpus, recipe))
    runs = quick_ladder() if options.quick else ladder()
    run_ladder(
        runs, recipe, options.out / "ladder.csv", options.workers, lambda line: print(line, file=sys.stderr, flush=True)
    )


if __name__ == "__main__":
    main()
