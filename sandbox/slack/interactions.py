"""What a person may do with what is before them: press, choose, submit, close.

An action is always read from the stored message or view. A client that sends an action which is gone, was never there
or is hidden from this person is refused, as by Slack: so what reaches the app was really on offer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.elements import interactive, visible_to
from sandbox.slack.errors import ActionRefused, SlackError
from sandbox.slack.messages import Message
from sandbox.slack.payloads import channel_of, interaction_envelope
from sandbox.slack.site import Site
from sandbox.slack.state_values import missing_inputs, options_of, state_of, state_values
from sandbox.slack.transcript import Delivery
from sandbox.slack.validation import findings_in_view
from sandbox.slack.views import View

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Press:
    """One press or choice. Where it happens is either a message (channel and ts) or a view."""

    user: str
    action_id: str
    block_id: str | None = None
    channel: str | None = None
    ts: str | None = None
    view_id: str | None = None
    value: Any = None
    values: Json = field(default_factory=dict)
    confirmed: bool = False


async def press(site: Site, wanted: Press) -> Delivery:
    """Sends block_actions for an element of a stored message or view. Raises ActionRefused."""
    _known(site, wanted.user)
    if wanted.view_id:
        view = _own_view(site, wanted.user, wanted.view_id)
        blocks, payload = view.body["blocks"], _in_view(site, wanted, view)
    else:
        message = _own_message(site, wanted)
        blocks, payload = message.blocks, _in_message(site, wanted, message)
    block, element = _offered(blocks, wanted)
    if element.get("confirm") and not wanted.confirmed:
        raise ActionRefused("confirm_required", "this asks for a confirmation first", confirm=element["confirm"])
    payload["actions"] = [_action(site, block, element, wanted.value)]
    delivery = await site.courier.interaction(payload, user=wanted.user)
    tell_if_silent(site, delivery, wanted.user)
    return delivery


async def submit(site: Site, *, user: str, view_id: str, values: Json) -> tuple[Delivery | None, Json]:
    """Submits a modal and does what the app answers. Returns the delivery and {closed, errors, view_id}."""
    _known(site, user)
    view = _own_view(site, user, view_id)
    if view.body["type"] != "modal" or site.views.top(user) is not view:
        raise ActionRefused("view_not_on_top", "only the modal in front can be submitted")
    state = state_values(view.body["blocks"], values)
    view.errors = missing_inputs(view.body["blocks"], state)
    if view.errors:
        site.workspace.touch()
        return None, {"closed": False, "errors": view.errors, "view_id": view.id}
    trigger = site.views.new_trigger(user, view=view.id)
    payload = interaction_envelope(site.workspace, kind="view_submission", user=user, trigger_id=trigger)
    payload |= {"view": _view_json(site, view, state), "response_urls": []}
    delivery = await site.courier.interaction(payload, user=user)
    tell_if_silent(site, delivery, user)
    outcome = _obey(site, view, delivery) if delivery.acknowledged else {"closed": False, "errors": {}}
    site.workspace.touch()
    top = site.views.top(user)
    return delivery, {"view_id": top.id if top else None, **outcome}


async def close(site: Site, *, user: str, view_id: str) -> Delivery | None:
    """Closes a modal; the app hears of it if it asked to."""
    _known(site, user)
    view = _own_view(site, user, view_id)
    if view.body["type"] != "modal":
        raise ActionRefused("view_not_found", "an App Home is not closed", status=404)
    site.views.close(view)
    site.workspace.touch()
    if not view.body.get("notify_on_close"):
        return None
    payload = interaction_envelope(site.workspace, kind="view_closed", user=user, trigger_id=None)
    payload |= {"view": _view_json(site, view, {}), "is_cleared": False}
    delivery = await site.courier.interaction(payload, user=user)
    tell_if_silent(site, delivery, user)
    return delivery


def _known(site: Site, user: str) -> None:
    if user not in site.workspace.people:
        raise ActionRefused("user_not_found", f"nobody here is {user}", status=404)


def _own_view(site: Site, user: str, view_id: str) -> View:
    try:
        view = site.views.find(view_id=view_id)
    except SlackError as error:
        raise ActionRefused("view_not_found", "that view is not open any more", status=404) from error
    if view.user != user:
        raise ActionRefused("view_not_found", "that view is not open before this person", status=404)
    return view


def _own_message(site: Site, wanted: Press) -> Message:
    room = site.workspace.rooms.get(wanted.channel or "")
    if room is None or not site.workspace.sees(wanted.user, room):
        raise ActionRefused("channel_not_found", "this person is not in that channel", status=404)
    try:
        return site.workspace.shown_to(wanted.user, channel=room.id, ts=wanted.ts or "")
    except SlackError as error:
        raise ActionRefused("message_not_found", "that message is not there (any more)", status=404) from error


def _offered(blocks: list[Json], wanted: Press) -> tuple[Json, Json]:
    found = [
        (block, element)
        for block, element in interactive(blocks)
        if element.get("action_id") == wanted.action_id and wanted.block_id in (None, block["block_id"])
    ]
    if not found:
        raise ActionRefused("action_not_found", f"there is no {wanted.action_id} to press here (any more)", status=404)
    shown = [(block, element) for block, element in found if visible_to(element, wanted.user)]
    if not shown:
        raise ActionRefused("action_not_visible", "that button is not shown to this person", status=403)
    if len(shown) > 1:
        blocks_named = [block["block_id"] for block, _ in shown]
        raise ActionRefused("action_ambiguous", "several blocks have this action", status=400, block_ids=blocks_named)
    return shown[0]


def _in_message(site: Site, wanted: Press, message: Message) -> Json:
    trigger = site.views.new_trigger(wanted.user)
    payload = interaction_envelope(site.workspace, kind="block_actions", user=wanted.user, trigger_id=trigger)
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return payload | {
        "container": container,
        "channel": channel_of(site.workspace.rooms[message.channel]),
        "message": site.workspace.as_slack(message),
        "state": {"values": state_values(message.blocks, wanted.values)},
        "response_url": site.new_response_url(message, wanted.user),
    }


def _in_view(site: Site, wanted: Press, view: View) -> Json:
    trigger = site.views.new_trigger(wanted.user, view=view.id)
    payload = interaction_envelope(site.workspace, kind="block_actions", user=wanted.user, trigger_id=trigger)
    state = state_values(view.body["blocks"], wanted.values)
    return payload | {
        "container": {"type": "view", "view_id": view.id},
        "view": _view_json(site, view, state),
        "state": {"values": state},
    }


def _action(site: Site, block: Json, element: Json, value: Any) -> Json:
    kind = str(element["type"])
    action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    action["action_ts"] = site.ticker.ts()
    if kind == "button":
        copied = ("text", "value", "style", "url", "accessibility_label", "confirm")
        return action | {key: element[key] for key in copied if key in element}
    if kind == "icon_button":
        return action | {key: element[key] for key in ("icon", "text", "value") if key in element}
    if kind == "overflow":
        chosen = next((one for one in options_of(element) if one.get("value") == value), None)
        if chosen is None:
            raise ActionRefused("option_not_found", "choose one of the menu's options", status=400)
        return action | {"selected_option": chosen}
    if kind == "feedback_buttons":
        for key in ("positive_button", "negative_button"):
            if element[key].get("value") == value:
                return action | {"text": element[key]["text"], "value": value}
        raise ActionRefused("option_not_found", "choose one of the two buttons", status=400)
    return action | (state_of(element, value) or {})


def _view_json(site: Site, view: View, state: Json) -> Json:
    return view.as_slack(team=site.workspace.seed.team.id, app=site.workspace.app_json, state=state)


def _obey(site: Site, view: View, delivery: Delivery) -> Json:
    """Does what the app answered to a submission; an answer without sense leaves the modal open, with a notice."""
    answer = answer_of(delivery)
    match answer.get("response_action"):
        case None:
            site.views.close(view)
            return {"closed": True, "errors": {}}
        case "clear":
            site.views.clear(view.user)
            return {"closed": True, "errors": {}}
        case "errors":
            return _show_errors(site, view, answer.get("errors"))
        case "update" | "push" as verb:
            return _show_view(site, view, verb, answer.get("view"))
        case other:
            return _senseless(site, view, f"unknown response_action {str(other)[:40]!r}")


def answer_of(delivery: Delivery) -> Json:
    """What the app answered as JSON; empty for anything else."""
    try:
        answer = json.loads(delivery.response_body or "{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _show_errors(site: Site, view: View, errors: Any) -> Json:
    inputs = {block["block_id"] for block, _ in interactive(view.body["blocks"]) if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        return _senseless(site, view, "the errors do not name input blocks of this modal")
    view.errors = {str(key): str(text) for key, text in errors.items()}
    return {"closed": False, "errors": view.errors}


def _show_view(site: Site, view: View, verb: str, body: Any) -> Json:
    found = findings_in_view(body)
    if found or body["type"] != "modal":
        return _senseless(site, view, found[0].as_message() if found else "a modal was expected")
    try:
        if verb == "push":
            site.views.push(view.user, body)
        else:
            site.views.update(view, body)
    except SlackError as error:
        return _senseless(site, view, error.error)
    return {"closed": False, "errors": {}}


def _senseless(site: Site, view: View, why: str) -> Json:
    name = site.workspace.seed.app.name
    site.workspace.notice(user=view.user, kind="bad_answer", text=f"{name} answered with something unusable: {why}")
    return {"closed": False, "errors": {}, "unusable": why}


def tell_if_silent(site: Site, delivery: Delivery, user: str) -> None:
    """Tells the person, as Slack does, where the app did not answer in time."""
    if not delivery.acknowledged:
        text = (
            f"{site.workspace.seed.app.name} did not respond ({delivery.error}). What you pressed may not have arrived."
        )
        site.workspace.notice(user=user, kind="app_did_not_respond", text=text, delivery=delivery.id)
