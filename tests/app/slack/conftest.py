"""The floor of the door's tests, for everybody who needs a workspace with `serve` behind it."""

from tests.app.slack.test_clicks_and_messages import floor as floor
