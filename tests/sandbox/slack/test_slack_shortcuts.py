"""Shortcuts with an unmodified Bolt app: on a message, from anywhere, and only those that the app's manifest offers."""

from typing import Any

import pytest

from sandbox.slack.driver import DriverError
from sandbox.slack.methods.manifests import faults
from sandbox.slack.seed import Channel, Seed, Shortcut, default_seed
from sandbox.slack.trial import sandbox_with_app

OLIVIA, ELSEWHERE = "U0OLIVIA", "C0ELSE"


def workspace(**app: Any) -> Seed:
    """The usual one with a channel in which the app is not, and a shortcut from anywhere."""
    seed = default_seed()
    room = Channel(id=ELSEWHERE, name="random", members=(OLIVIA,), app=False)
    anywhere = Shortcut(name="New request", type="global", callback_id="new_request")
    shortcuts = (*seed.app.shortcuts, anywhere)
    changed = seed.app.model_copy(update={"shortcuts": shortcuts, **app})
    return seed.model_copy(update={"app": changed, "channels": (*seed.channels, room)})


async def test_a_message_comes_with_its_shortcut_and_is_answered_where_the_app_is_not() -> None:
    async with sandbox_with_app(seed=workspace()) as desk:
        heard: list[dict[str, Any]] = []

        @desk.bolt.message_shortcut("investigate_cost")
        async def _used(ack: Any, shortcut: dict[str, Any], respond: Any) -> None:
            heard.append(shortcut)
            await ack()
            await respond("seen", response_type="ephemeral")

        said = await desk.driver.say(OLIVIA, ELSEWHERE, "cost is up")
        pressed = await desk.driver.shortcut(OLIVIA, "investigate_cost", channel=ELSEWHERE, ts=said.ts)
        assert pressed.acknowledged
        (one,) = heard
        assert (one["type"], one["message_ts"], one["message"]["text"]) == ("message_action", said.ts, "cost is up")
        assert (one["channel"]["id"], one["user"]["id"], one["team"]["id"]) == (ELSEWHERE, OLIVIA, "T0BANK")
        told = (await desk.driver.messages(ELSEWHERE, user=OLIVIA))[-1]
        assert (told["text"], told["is_ephemeral"]) == ("seen", True)
        with pytest.raises(DriverError, match="message_not_found"):
            await desk.driver.shortcut(OLIVIA, "investigate_cost", channel=ELSEWHERE, ts=told["ts"])
        with pytest.raises(DriverError, match="channel_not_found"):
            await desk.driver.shortcut("U0ARJUN", "investigate_cost", channel=ELSEWHERE, ts=said.ts)


async def test_a_global_shortcut_has_no_message_and_opens_a_modal_by_its_trigger() -> None:
    async with sandbox_with_app(seed=workspace()) as desk:

        @desk.bolt.global_shortcut("new_request")
        async def _used(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
            assert not {"message", "channel", "response_url"} & shortcut.keys()
            view = {"type": "modal", "title": {"type": "plain_text", "text": "New"}, "blocks": [{"type": "divider"}]}
            await client.views_open(trigger_id=shortcut["trigger_id"], view=view)
            await ack()

        assert (await desk.driver.shortcut(OLIVIA, "new_request")).acknowledged
        assert (await desk.driver.modal(OLIVIA) or {})["title"]["text"] == "New"
        with pytest.raises(DriverError, match="shortcut_not_found"):
            await desk.driver.shortcut(OLIVIA, "investigate_cost")


async def test_without_the_scope_no_shortcut_is_offered() -> None:
    async with sandbox_with_app(seed=workspace(scopes=("chat:write",)), with_app=False) as desk:
        assert (await desk.driver.state(OLIVIA))["shortcuts"] == []
        with pytest.raises(DriverError, match="shortcut_not_found"):
            await desk.driver.shortcut(OLIVIA, "new_request")


@pytest.mark.parametrize(
    ("shortcuts", "pointers"),
    [
        ([{"name": "n", "type": "message", "callback_id": "c", "description": "d"}], []),
        ([{"name": "n" * 25, "type": "message", "callback_id": "c", "description": "d"}], ["0/name"]),
        ([{"name": "n", "type": "message", "description": "d" * 151}], ["0/description", "0/callback_id"]),
        ([{"name": "n", "type": "menu", "callback_id": "c", "description": "d"}], ["0/type"]),
        ([{"name": "n", "type": "global", "callback_id": "c", "description": "d"}] * 11, [""]),
    ],
)
def test_a_manifests_shortcuts_keep_to_slacks_limits(shortcuts: list[Any], pointers: list[str]) -> None:
    given = {"display_information": {"name": "x"}, "features": {"shortcuts": shortcuts}}
    found = [one["pointer"].removeprefix("/features/shortcuts").lstrip("/") for one in faults(given)]
    assert found == pointers
