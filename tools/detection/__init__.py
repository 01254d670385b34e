"""Detection arithmetic: arrays in, scores out; no bill, no input or output.

Read `grid.py` (the series), `clock.py`, `idle.py`, `explained.py` and `expected.py` (what a day should have cost),
`evidence.py`, `modes.py` and `robust.py` with `rolling.py` (how unusual each day is), `discoveries.py` (how many of the
alarms may be false), `families.py` (what many series do together), `runs.py` and `incidents.py` (alarm days to events),
`contributions.py` and `root_cause.py` (who is responsible, to the last digit), `marks.py` (what people said of an
event).
"""
