"""The demo: `start.py` brings the whole product up on loopback, `story.py` plays three people in it,
and `world.py` says where everything of it is.

The only place of `app` that enters the sandbox.
"""
