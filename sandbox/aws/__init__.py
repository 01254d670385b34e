"""An AWS account on loopback: moto's EC2 with the bank's machines, a journal of what was changed, and faults on demand.

Reading order: `seed.py` (the bill's machines become instances with the same ids), `requests.py` (what a request asks),
`journal.py` (what was changed), `faults.py` (answers that never arrive), `application.py` (how a request passes
through them), `serve.py` (how it starts and ends).
"""
