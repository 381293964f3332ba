"""A notebook as a page: executed when the site is built, so that its outputs are never older than the code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PLOTLY_FILE = "js/plotly.min.js"
_PLOTLY = "application/vnd.plotly.v1+json"
_SECONDS = 300  # for one cell
# figures as their description: the default would put the whole drawing library into the notebook
_ENVIRONMENT = {"PLOTLY_RENDERER": "plotly_mimetype", "OMP_NUM_THREADS": "1"}


def executed(path: Path) -> Any:
    """The notebook after all its cells ran, in a fresh kernel; a cell that fails raises what it raised."""
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    os.environ.update(_ENVIRONMENT)
    notebook = nbformat.read(path, as_version=4)
    # a file socket in place of a port that anyone on the machine could reach
    own = Config({"KernelManager": {"transport": "ipc"}})
    return NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3", config=own).execute()


def notebook_page(path: Path, to_root: str = "../..") -> str:
    """The executed notebook in Markdown; `to_root` leads from the page to the site's root."""
    parts = [f'<script src="{to_root}/{PLOTLY_FILE}"></script>']
    for cell in executed(path).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code":
            parts.append(f"```python\n{cell.source}\n```")
            parts += [_output(output) for output in cell.outputs]
    parts.insert(2, f"[Download this notebook]({path.name})")
    return "\n\n".join(parts) + "\n"


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    data = output.data
    if _PLOTLY in data:
        return _figure(data[_PLOTLY])
    if "text/html" in data:
        # a blank line would end the raw HTML and start Markdown
        return "\n".join(line for line in data["text/html"].splitlines() if line.strip())
    return f"```text\n{data['text/plain']}\n```"


def _figure(description: Any) -> str:
    import plotly.io

    figure = plotly.io.from_json(json.dumps({"data": description["data"], "layout": description["layout"]}))
    text: str = plotly.io.to_html(figure, full_html=False, include_plotlyjs=False, config={"displaylogo": False})
    return "\n".join(line for line in text.splitlines() if line.strip())
