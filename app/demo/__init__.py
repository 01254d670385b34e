"""The demo: `start.py` brings the whole product up on loopback, `story.py` plays three people in it.

The only place of `app` that enters the sandbox.
"""
