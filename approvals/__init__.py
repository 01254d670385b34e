"""What people must decide: propose, seal, vote, claim, execute, reconcile. The promise of the product lives here.

Nouns first: `changes/` (what would happen), `states.py` (what a proposal can be and which moves there are),
`person.py`, `rules.py` and `policy.py` (who must decide, as pure functions), `evidence.py`, `sealed.py` (the bytes that
are approved), `store.py` (the rows), `active.py` (the rules and people in force). Then the verbs in the order of the
flow: `adopt.py`, `propose.py`, `seal.py` (with `pin.py`), `posted.py`, `vote.py`, `claim.py` (with `lease.py`),
`execute.py`, `proceed.py` (the next step), `reconcile.py` (with `conclude.py`, what a read-back proves),
`resend.py`, `recover.py`, `undo.py`, `expire.py`, `withdraw.py`. Every change of a row goes through `move.py`,
and `guards.py` holds the database to it. `inspectors/` look, `executors/` act; `due.py` tells the worker what is
due; `card.py` is what people see.
"""
