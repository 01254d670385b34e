"""Every method of the Web API that the sandbox answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.slack.methods import assistant, chat, conversations, people, views
from sandbox.slack.site import Site

Json = dict[str, Any]
Method = Callable[[Site, Json], Json]

METHODS: dict[str, Method] = {
    "api.test": people.api_test,
    "auth.test": people.auth_test,
    "users.info": people.users_info,
    "users.list": people.users_list,
    "usergroups.users.list": people.usergroups_users_list,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "chat.delete": chat.delete,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.getPermalink": chat.get_permalink,
    "reactions.add": chat.reactions_add,
    "conversations.list": conversations.list_rooms,
    "conversations.info": conversations.info,
    "conversations.history": conversations.history,
    "conversations.replies": conversations.replies,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_direct,
    "views.open": views.open_view,
    "views.push": views.push,
    "views.update": views.update,
    "views.publish": views.publish,
    "blocks.validate": views.blocks_validate,
    "assistant.threads.setStatus": assistant.set_status,
    "assistant.threads.setSuggestedPrompts": assistant.set_suggested_prompts,
    "assistant.threads.setTitle": assistant.set_title,
    "agents.sessions.setStatus": assistant.set_session,
}

# Methods that Slack answers without a token.
OPEN = frozenset({"api.test", "blocks.validate"})
