"""What can be asked: plain typed functions from a desk and arguments to a result with figures.

Read `result.py` (what every tool answers), `desk.py` (what a tool may touch), then one tool (`spend.py`,
`anomalies.py`, `savings.py`, `propose.py`, `derive.py`), last `catalogue.py`, which binds them for a language model.
`detection/` and `rules/` are arithmetic without input or output.
"""
