"""From what a source holds to one table of runs: reading, joining, choosing, counting, writing; each import resumable."""

from allometry.runs.imports.importing import Imported, import_runs

__all__ = ["Imported", "import_runs"]
