"""Where charges come from: one module a kind of file or provider. `focus.py` reads FOCUS files."""
