"""The tools as an MCP server: for a person's own assistant, with that person's rights and through the same gate.

Reading order: `bench.py` (one asker's tools, call by call), `server.py` (how they look in the protocol), `bearers.py`
(who asks over HTTP), `site.py` (how HTTP is served).
"""
