"""What would happen: one class for each kind of change, pure and frozen.

Read `step.py` (one request, its expected effect and its inverse), `instance.py` (stop and start a machine), then
`change.py` (any of them, from stored JSON).
"""
