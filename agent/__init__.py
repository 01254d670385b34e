"""The agent thinks: a question becomes tool calls, results become a checked answer. It decides and executes nothing.

Reading order: ports.py (what the process hands in), conversation.py (the graph), turns.py (its nodes), state.py,
answer.py (no digit of the model's own), guards.py and limits.py, prompt.md, model.py and voices.py (the models, and
who speaks when one fails), offline.py with reading.py, languages.py and phrasing.py (the model of ours that needs no
account).
"""
