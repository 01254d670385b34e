"""The front door: settings, wiring, Slack, web, command line, processes. The only package that knows them all.

Read `settings.py` (what a user configures), `database.py` and `home.py` (where state lives), `inbox.py` and `turns.py`
(what is due), then `processes/` (serve, agent, worker), `slack/` and `web/`; `cli.py` is the list of commands.
"""
