"""The page of laws, written from the declarations when the site is built: there is no second copy of any formula."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from mkdocs.structure.files import File

from allometry.laws import Law, list_laws


def on_files(files: Any, config: Any) -> Any:
    """Add laws.md, made from the catalogue."""
    files.append(File.generated(config, "laws.md", content=laws_page()))
    return files


def laws_page() -> str:
    """Every law by subject, in Markdown."""
    parts = ["# Laws", "Made from the declarations; `allometry laws NAME` prints the same."]
    for subject, laws in groupby(list_laws(), key=lambda law: law.subject):
        parts += [f"## {subject}", *(_law(law) for law in laws)]
    return "\n\n".join(parts) + "\n"


def _law(law: Law) -> str:
    provisional = " Provisional: only an abstract was seen." if law.provisional else ""
    lines = [
        f"### {law.name}",
        f"{law.title}.",
        "\n".join(f"    {line}" for line in law.equation.splitlines()),
        f"**Use.** {law.use}",
        f"**Avoid.** {law.avoid}",
        f"**Needs** {law.min_runs} runs or more. **Source.** {law.source} (form: {law.status}).{provisional}",
        _parameters(law),
    ]
    return "\n\n".join(part for part in (*lines, _constants(law)) if part)


def _parameters(law: Law) -> str:
    rows = [f"| {p.name} | {p.meaning} | {p.unit} |" for p in law.parameters]
    return "\n".join(["| parameter | meaning | unit |", "|---|---|---|", *rows])


def _constants(law: Law) -> str:
    if not law.published:
        return ""
    rows = []
    for key, found in law.published.items():
        values = ", ".join(f"{name} {value:.6g}" for name, value in found.values.items())
        rows.append(f"| {law.name}@{key} | {values} | {found.status}: {found.source}, {found.where} |")
    return "\n".join(["| constants | values | status and source |", "|---|---|---|", *rows])
