"""The hands: each sends exactly the request that it is given, once. Only `execute`, `proceed` and `resend` use these.

Read `port.py`, `router.py` (whose hands an operation needs), `rehearsal.py` (touches nothing), `aws.py`, then
`answers.py` (whether an answer answers the request).
"""
