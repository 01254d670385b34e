"""What can be asked: plain typed functions from a desk and arguments to a result with figures.

Read `result.py` (what every tool answers), `desk.py` (what a tool may touch), then one tool (`spend.py`, `explain.py`,
`allocation.py`, `anomalies.py`, `savings.py` with `bill_rules.py` and `endpoint_use.py`, `simulate.py`, `propose.py`,
`derive.py`), then `realised.py` (what savings came to), last `catalogue.py`, which binds the tools for a language
model. `detection/` and `rules/` are arithmetic without input or output.
"""
