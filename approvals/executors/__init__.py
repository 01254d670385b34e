"""The hands: each sends exactly the request that it is given, once. Only `execute` uses these.

Read `port.py`, `rehearsal.py` (touches nothing), then `aws.py`.
"""
