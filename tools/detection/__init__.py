"""Detection arithmetic: arrays in, scores out; no bill, no clock, no input or output.

Read `rolling.py` (medians of the past), `robust.py` (how unusual each day is), `runs.py` (alarm days to findings),
`contributions.py` (who is responsible for a difference, to the last digit).
"""
