"""A model provider on loopback: it speaks the OpenAI protocol and says what it is told to, well or badly.

Reading order: `reply.py` (what can be said, and in which manner), `wire.py` (how that looks as JSON and as a stream),
`serve.py` (how it starts, answers one request after the other, remembers what it was asked, and ends).
"""
