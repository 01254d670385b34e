"""Every method of the Web API that the sandbox answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.slack.methods import (
    apps,
    assistant,
    chat,
    conversations,
    files,
    manifests,
    oauth,
    people,
    streams,
    views,
)
from sandbox.slack.site import Site

Json = dict[str, Any]
Method = Callable[[Site, Json], Json]

METHODS: dict[str, Method] = {
    "api.test": people.api_test,
    "auth.test": people.auth_test,
    "auth.revoke": oauth.revoke,
    "oauth.v2.access": oauth.access,
    "apps.uninstall": oauth.uninstall,
    "users.info": people.users_info,
    "users.list": people.users_list,
    "users.lookupByEmail": apps.users_lookup_by_email,
    "users.profile.get": apps.users_profile_get,
    "usergroups.list": apps.usergroups_list,
    "usergroups.users.list": people.usergroups_users_list,
    "team.info": apps.team_info,
    "bots.info": apps.bots_info,
    "apps.connections.open": apps.connections_open,
    "apps.manifest.validate": manifests.validate,
    "chat.startStream": streams.start,
    "chat.appendStream": streams.append,
    "chat.stopStream": streams.stop,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.completeUploadExternal": files.complete_upload,
    "files.info": files.info,
    "files.delete": files.delete,
    "reactions.remove": chat.reactions_remove,
    "reactions.get": chat.reactions_get,
    "conversations.create": conversations.create,
    "conversations.join": conversations.join,
    "conversations.leave": conversations.leave,
    "conversations.archive": conversations.archive,
    "conversations.invite": conversations.invite,
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
    "agents.sessions.rename": assistant.rename_session,
}

# Methods that Slack answers without a token.
OPEN = frozenset({"api.test", "blocks.validate", "apps.manifest.validate", "oauth.v2.access"})

# Methods that take the app's own token (xapp-), not the bot's.
APP_LEVEL = frozenset({"apps.connections.open"})

_READ_ROOMS = ("channels:read", "groups:read", "im:read", "mpim:read")
_READ_WORDS = ("channels:history", "groups:history", "im:history", "mpim:history")
_MANAGE = ("channels:manage", "channels:write.invites", "groups:write")

# One of these is needed; the first is the one that Slack names where none is there.
SCOPES: dict[str, tuple[str, ...]] = {
    **{name: ("chat:write",) for name in METHODS if name.startswith("chat.") and name != "chat.getPermalink"},
    **dict.fromkeys(("users.info", "users.list"), ("users:read",)),
    "users.lookupByEmail": ("users:read.email",),
    "users.profile.get": ("users.profile:read", "users:read"),
    **{name: ("usergroups:read",) for name in METHODS if name.startswith("usergroups.")},
    "team.info": ("team:read",),
    "bots.info": ("users:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    **dict.fromkeys(("conversations.list", "conversations.info", "conversations.members"), _READ_ROOMS),
    **dict.fromkeys(("conversations.history", "conversations.replies"), _READ_WORDS),
    "conversations.open": ("im:write", "mpim:write"),
    "conversations.join": ("channels:join",),
    **dict.fromkeys(("conversations.create", "conversations.archive", "conversations.invite"), _MANAGE),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
    "files.delete": ("files:write",),
    **{name: ("assistant:write",) for name in METHODS if name.startswith("assistant.")},
    **{name: ("chat:write",) for name in METHODS if name.startswith("agents.")},
}
