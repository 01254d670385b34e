"""assistant.threads.* and agents.sessions.*: what the agent shows while it works."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import required
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import ASSISTANT
from sandbox.slack.site import Site
from sandbox.slack.workspace import Room

Json = dict[str, Any]

SESSION_STATES = ("processing", "active", "suspended", "closed")
STOPPED = "agent_session_stopped"
"""The event of the stop button, which is there for an app that hears of it."""


def set_status(site: Site, arguments: Json) -> Json:
    """The line under a thread, such as "is reading the bill…"; an empty one takes it away."""
    required(arguments, "channel_id", "thread_ts")
    room = site.workspace.room(arguments["channel_id"])
    thread = str(arguments["thread_ts"])
    status = str(arguments.get("status") or "")
    if status:
        loading = arguments.get("loading_messages")
        site.workspace.statuses[(room.id, thread)] = {
            "status": status,
            "loading_messages": [str(one) for one in loading] if isinstance(loading, list) else [],
            "at": site.ticker.now(),
        }
    else:
        site.workspace.statuses.pop((room.id, thread), None)
    site.workspace.touch()
    return {}


def set_suggested_prompts(site: Site, arguments: Json) -> Json:
    """What the person could ask, as buttons; at most four."""
    required(arguments, "channel_id", "prompts")
    room = site.workspace.room(arguments["channel_id"])
    prompts = arguments["prompts"]
    usable = isinstance(prompts, list) and all(
        isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts
    )
    if not usable or not 1 <= len(prompts) <= ASSISTANT.prompts:
        raise SlackError("invalid_arguments", [f"[ERROR] prompts: 1 to {ASSISTANT.prompts} of {{title, message}}"])
    site.workspace.prompts[room.id] = {
        "title": str(arguments.get("title") or ""),
        "thread_ts": arguments.get("thread_ts"),
        "prompts": [{"title": str(p["title"]), "message": str(p["message"])} for p in prompts],
    }
    site.workspace.touch()
    return {}


def set_title(site: Site, arguments: Json) -> Json:
    """The thread's name in the list of conversations."""
    required(arguments, "channel_id", "thread_ts", "title")
    room = site.workspace.room(arguments["channel_id"])
    session = site.workspace.sessions.setdefault((room.id, str(arguments["thread_ts"])), {"status": "active"})
    session["title"] = str(arguments["title"])
    site.workspace.touch()
    return {}


def set_session(site: Site, arguments: Json) -> Json:
    """Where the agent's conversation stands: processing, active, suspended or closed. The title is a new session's."""
    required(arguments, "channel_id", "status", "thread_ts")
    room, thread = _thread(site, arguments)
    if arguments["status"] not in SESSION_STATES:
        raise SlackError("invalid_arguments", [f"[ERROR] status must be one of {', '.join(SESSION_STATES)}"])
    title = _title(arguments)
    initiator = arguments.get("initiator_user_id")
    if initiator and not site.workspace.sees(str(initiator), room):
        raise SlackError("user_not_in_channel")
    session = site.workspace.sessions.setdefault((room.id, thread), {"title": title} if title else {})
    session["status"] = arguments["status"]
    site.workspace.touch()
    answer: Json = {"status": session["status"], "agent_status": session["status"], "title": session.get("title", "")}
    if session["status"] == "processing" and STOPPED not in site.workspace.seed.app.events:
        warning = f"missing_{STOPPED}_event_subscription"
        answer |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return answer


def rename_session(site: Site, arguments: Json) -> Json:
    """Another title for a session that there is."""
    required(arguments, "channel_id", "thread_ts", "title")
    room, thread = _thread(site, arguments)
    session = site.workspace.sessions.get((room.id, thread))
    if session is None:
        raise SlackError("session_not_found")
    session["title"] = _title(arguments)
    site.workspace.touch()
    return {"status": session["status"], "title": session["title"]}


def _thread(site: Site, arguments: Json) -> tuple[Room, str]:
    room, thread = site.workspace.room(arguments["channel_id"]), str(arguments["thread_ts"])
    if thread not in site.workspace.messages[room.id]:
        raise SlackError("thread_not_found")
    return room, thread


def _title(arguments: Json) -> str:
    title = str(arguments.get("title") or "")
    if len(title) > ASSISTANT.session_title:
        raise SlackError(
            "invalid_arguments", [f"[ERROR] title must be less than {ASSISTANT.session_title + 1} characters"]
        )
    return title
