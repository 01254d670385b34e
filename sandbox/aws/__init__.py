"""An AWS account on loopback: moto's EC2 and EKS with the bank's machines, a journal of changes, faults on demand.

Reading order: `seed.py` (the bill's machines become instances with the same ids), `requests.py` (what a request asks),
`world.py` and `endpoints.py` (what stands now), `journal.py` (what was changed) and `trail.py` (CloudTrail's view of
it), `rules.py` (what AWS refuses and moto does not), `faults.py` and `answers.py` (answers that never arrive, or arrive
spoilt), `application.py` (how a request passes through them), `serve.py` (how it starts and ends).
"""
