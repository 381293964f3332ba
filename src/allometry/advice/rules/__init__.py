"""One file a rule, each with one function `find(study)` that yields findings; found by listing this folder."""
