"""How the tests' `serve` talks to the sandbox's workspace on a port of loopback."""

from app.settings import SlackSettings


def settings_at(port: int) -> SlackSettings:
    """The settings of the one workspace; the signing secret is the site's."""
    return SlackSettings(
        bot_token="xoxb-sandbox",
        signing_secret="s3",
        team="T0BANK",
        app_id="A0SPENDGATE",
        approvals_channel="C0APPROVE",
        base_url=f"http://127.0.0.1:{port}/api/",
    )
