"""What people must decide: propose, seal, vote, claim, execute, reconcile. The promise of the product lives here.

Nouns first: `changes/` (what would happen, and what each operation promises), `states.py` (what a proposal can be,
and which moves there are), `person.py`, `rules.py` and `policy.py` (who must decide, as pure functions), with
`rules_file.py` and its tables, `freeze.py`, `caps.py`, `split.py`, `lending.py`, `emergency.py`, `check.py` and
`explain.py` beside them; `evidence.py`, `sealed.py` (the bytes that are approved), `store.py` (the rows),
`directory.py` and `active.py` (the rules and people in force, and who holds which role now).

Then the verbs in the order of the flow: `adopt.py`, `propose.py`, `seal.py` (with `pin.py` and `scope.py`),
`posted.py`, `vote.py`, `claim.py` (with `agree.py`, `stops.py` and `lease.py`), `execute.py`, `proceed.py`,
`reconcile.py` (with `conclude.py`), `resend.py`, `recover.py`, `expire.py`; and what people do besides voting:
`withdraw.py`, `rollback.py`, `engage.py`, `delegate.py`, `review.py`. Every change of a row goes through `move.py`,
and `guards.py` holds the database to it. `inspectors/` look, `executors/` act; `due.py` tells the worker what is due;
`card.py` is what people see.
"""
