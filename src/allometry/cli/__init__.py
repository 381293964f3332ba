"""The command line: thin over the Python functions of the same names."""

from allometry.cli.main import main

__all__ = ["main"]
