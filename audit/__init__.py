"""What happened: append, read, sign, prove, verify. Depends on nothing that it judges: an auditor can lift it out.

Read `event.py` (the words), `log.py` (how an entry comes to be), `tree.py` (RFC 9162), `note.py`, `checkpoint.py` and
`proof.py` (C2SP's texts), `signer.py` (who signs what), `verify.py` and `marks.py` (how all of it is checked),
`pack_verifier.py` (how somebody checks it who has none of this), and `private.py` (what people wrote, encrypted so that
it can be erased without touching the log). `population.py` holds the provider's own record against the log.
`transaction.py` and `stored.py` say what a transaction is and how times and money are stored, for the floors above too.
"""
