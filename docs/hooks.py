"""The pages that are made when the site is built: there is no second copy of a formula, an answer or an output."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from notebook_pages import PLOTLY_FILE, notebook_page
from systems import systems_page

from allometry.laws import Law, list_laws

NOTEBOOKS = Path(__file__).parent / "notebooks"


def on_files(files: Any, config: Any) -> Any:
    """Add the catalogue of laws, the published systems, and every notebook as it runs now."""
    from plotly.offline import get_plotlyjs

    made = {"laws.md": laws_page(), "published.md": systems_page(), PLOTLY_FILE: get_plotlyjs()}
    made |= {f"notebooks/{path.stem}.md": notebook_page(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
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
        f"{_text(law.title)}.",
        "\n".join(f"    {line}" for line in law.equation.splitlines()),
        f"**Use.** {_text(law.use)}",
        f"**Avoid.** {_text(law.avoid)}",
        f"**Needs** {_text(law.needs)}. **Source.** {_text(law.source)} (form: {law.status}).{provisional}",
        _parameters(law),
    ]
    return "\n\n".join(part for part in (*lines, _constants(law)) if part)


def _parameters(law: Law) -> str:
    rows = [f"| {p.name} | {_text(p.meaning)} | {_text(p.unit)} |" for p in law.parameters]
    return "\n".join(["| parameter | meaning | unit |", "|---|---|---|", *rows])


def _constants(law: Law) -> str:
    lines = []
    for key, found in law.published.items():
        values = ", ".join(f"{name} {value:.6g}" for name, value in found.values.items())
        lines.append(f"- `{law.name}@{key}`, {found.status}: {values}. {_text(found.source)}, {_text(found.where)}")
    return "\n".join(lines)


def _text(text: str) -> str:
    """Prose in which two stars are a power and not the start of bold letters."""
    return text.replace("*", r"\*")
