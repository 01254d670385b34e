"""What was spent: FOCUS charges by billing period, and typed questions about them.

Read `columns.py`, `money.py` and `period.py` (the vocabulary); then `load.py`, from a file to a snapshot, whose steps
are `sources/` (any bill to text; begin with its `port.py` and `focus.py`), `numbers.py`, `labels.py`,
`allocation_rules.py` with `allocating.py` (whose it is), `ai.py`, `charges.py` (types), `breaches.py` (findings),
`snapshots.py` with `rollup.py`, and `store.py` (what replaces what); then `question.py`, `expressions.py`,
`meter_expressions.py` and `engine.py`, from a question to rows (`at_hand.py`: from memory, where that is small), with
`completeness.py` telling how far they can be trusted, `measures.py` and `parts.py` what was used, `uncategorised.py`
what nobody is named for; last `usage.py`, `machines.py` and `resources.py`, how hard machines worked and what they
cost. `pull.py` loads from providers' interfaces, with `tokens.py` (disjoint classes), `prices.py` (published ones) and
`allocation.py` (a gateway's estimates, beside the bills). `export.py` hands charges out, `tie_out.py` holds them
against invoices, `engines/` asks a lake on a server; `price_book.py` with `machine_shapes.py` says what machines are
and cost.
"""
