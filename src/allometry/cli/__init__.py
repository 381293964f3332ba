"""The command line: thin over the Python functions of the same names."""

import os

# The products here are many and small: a second BLAS thread only spins. Set before NumPy loads, unless the user did.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from allometry.cli.main import main

__all__ = ["main"]
