"""How the gate looks at the world without touching it: describe and dry-run calls, with a read credential.

Only `seal`, `claim`, `proceed` and `reconcile` use these. Read `port.py`, `router.py` (whose eyes a change needs),
`aws.py` (what those of AWS share), `instance.py`, `volume.py`, `volume_type.py`, `address.py`, `nodegroup.py`,
`notebook.py`, then `trail.py` (AWS's own log).
"""
