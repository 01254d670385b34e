"""LiteLLM's proxy on loopback: keys and teams, what they may spend, and whether they are let in (`proxy.py`)."""
