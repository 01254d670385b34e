"""Witnesses: where the newest checkpoint of the log is published so that whoever runs the app cannot rewrite it."""
