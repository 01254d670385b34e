"""The long-running processes: `serve` (Slack, web, votes), `agent` (the model), `worker` (the only hands).

They meet only in the database; each looks for what is due, so nothing can be forgotten in a queue.
"""
