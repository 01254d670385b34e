"""The Web API's methods, one file for each family of Slack's; `registry.py` lists them all."""
