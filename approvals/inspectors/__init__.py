"""How the gate looks at the world without touching it: describe and dry-run calls, with a read credential.

Only `seal`, `claim` and `reconcile` use these. Read `port.py`, then `aws.py`.
"""
