"""The agent thinks: a question becomes tool calls, results become a checked answer. It decides and executes nothing.

Reading order: ports.py (what the process hands in), conversation.py (the graph), state.py, answer.py (no digit of the
model's own), guards.py and limits.py, prompt.md and model.py (the model), offline.py with reading.py and phrasing.py
(the model of ours that needs no account).
"""
