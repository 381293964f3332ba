"""What every benchmark prints about where and when it ran, and where it keeps a committed result."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


class Report:
    """Lines that are printed as they come and can be kept as `results/NAME.txt`."""

    def __init__(self, name: str) -> None:
        self.name, self.lines = name, list[str]()
        self(f"{name}: {datetime.now(UTC):%Y-%m-%d}, {machine()}, Python {platform.python_version()}")
        self(f"command: python benchmarks/{name}.py {' '.join(sys.argv[1:])}".rstrip())

    def __call__(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)

    def write(self) -> None:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.txt").write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def machine() -> str:
    """Processor model and cores, as lscpu has them."""
    cores = f"{os.cpu_count()} cores"
    try:
        text = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return f"{platform.machine()}, {cores}"
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    family, model = (fields.get(key, "?").strip() for key in ("CPU family", "Model"))
    return f"{fields.get('Model name', platform.machine()).strip()} (family {family}, model {model}), {cores}"


def published_table(name: str) -> Path | None:
    """A published table in the folder that ALLOMETRY_DATA names, where there is one."""
    folder = os.environ.get("ALLOMETRY_DATA")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.exists() else None
