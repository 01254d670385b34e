"""Slack: what people do there, and what is shown to them, once.

Read `guard.py` (stands before Bolt) and `bolt.py` with `socket.py` (the two ways in), `messages.py`, `commands.py`,
`clicks.py`, `asks.py` and `dialogs.py` (what people do), `admission.py` and `judge.py` (what becomes of a vote),
`people.py`, `members.py` and `groups.py` (who they are); then what is shown: `cards.py` with `card_buttons.py` and
`answers.py` as pure functions of rows, `draw.py`, `threads.py`, `ends.py`, `post.py`, `home.py` and `remind.py`, which
look for what is due, through `deliver.py` and `patience.py` (each message once). `manifest.py` and `doctor.py` install
it.
"""
