"""What would happen: one class for each kind of change, pure and frozen.

Read `step.py` (one request, its expected effect and its inverse), `operations.py` (what each request's provider
promises), `names.py` (what an id may look like), `instance.py` (stop and start a machine), `resize.py`, `undo.py`,
`volume.py`, `nodegroup.py`, then `change.py` (any of them, from stored JSON).
"""
