"""Where the lake's questions run besides the embedded DuckDB: a database server that the snapshots are published to.

Read `dialects.py` (one question in each engine's SQL), `tables.py` (what a published lake looks like), `publish.py`
(how a snapshot gets there and replaces another) and `served.py` (how it is asked).
"""
