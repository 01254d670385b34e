"""What happened: append, read, verify. Depends on nothing that it judges, so an auditor can lift it out.

Read `event.py` (the words), `log.py` (how an entry comes to be), `verify.py` (how it is checked), `private.py`
(what people wrote, encrypted so that it can be erased without touching the log). `transaction.py` and `stored.py`
say what a transaction is and how times and money are stored; the floors above use them too.
"""
