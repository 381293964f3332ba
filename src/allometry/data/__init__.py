"""Data as an axis: pools of examples with scores, what to keep of them, what to mix, and when it pays."""
