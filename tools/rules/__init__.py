"""The rule catalogue: one rule a file, each a pure reading of evidence rows against thresholds with their source.

Read `thresholds.py` (the numbers), `evidence.py` (what a rule says), then `idle_gpu.py`.
"""
