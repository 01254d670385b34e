"""Web pages for auditors: the log, one entry, and whether it verifies. `login.py` says who is reading."""
