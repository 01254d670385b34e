"""What was spent: FOCUS charges by billing period, and typed questions about them.

Read `columns.py`, `money.py` and `period.py` (the vocabulary), then `load.py` (from a file to a snapshot, with
`sources/focus.py`, `charges.py`, `labels.py`, `ai.py` and `manifest.py` as its steps), then `question.py` and
`engine.py` (from a question to rows, with `completeness.py` telling how far they can be trusted), then `usage.py`
(how hard machines worked).
"""
