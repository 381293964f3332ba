"""Test-time scaling: engines, budgets, records, strategies and sweeps."""
