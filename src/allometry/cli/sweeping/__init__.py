"""The commands of test-time scaling: sweep and solve, one file each."""
