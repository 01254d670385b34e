"""A Slack workspace on loopback, for the demo, the tests and the evals; nothing of it is kept when it stops.

Reading order: seed.py (who is there), workspace.py (what was said), webapi.py and methods/ (what the app may call),
courier.py and payloads.py (what the app is told), interactions.py (what a person may click), driver_api.py (what
stands in for the person), server.py (how it starts), page/ (what a person sees).
"""
