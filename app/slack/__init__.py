"""Slack: `guard.py` stands before Bolt,
`messages.py` and `clicks.py` are what people do; `cards.py` and `post.py` what is shown."""
