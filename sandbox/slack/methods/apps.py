"""apps.*, team.info, bots.info, usergroups.list, users.lookupByEmail: the app, its workspace and its directory."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import flag, required
from sandbox.slack.errors import SlackError
from sandbox.slack.methods.people import user_json
from sandbox.slack.site import Site

Json = dict[str, Any]


def connections_open(site: Site, _: Json) -> Json:
    """An address for one Socket Mode connection; the ticket in it works once."""
    if not site.settings.socket_mode:
        raise SlackError("not_allowed_token_type", ["[ERROR] Socket Mode is not turned on for this app"])
    return {"url": f"ws://127.0.0.1:{site.settings.port}/link?ticket={site.sockets.ticket()}"}


def team_info(site: Site, _: Json) -> Json:
    """The workspace."""
    team = site.workspace.seed.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": ""}}


def bots_info(site: Site, arguments: Json) -> Json:
    """The app's bot."""
    app = site.workspace.seed.app
    if arguments.get("bot") not in (None, "", app.bot):
        raise SlackError("bot_not_found")
    return {"bot": {"id": app.bot, "app_id": app.id, "user_id": app.user, "name": app.name, "deleted": False}}


def usergroups_list(site: Site, arguments: Json) -> Json:
    """The user groups, with their members where these are asked for."""
    seed = site.workspace.seed
    found = []
    for group in seed.groups:
        users = list(site.workspace.groups[group.id])
        shown: Json = {"id": group.id, "team_id": seed.team.id, "is_usergroup": True, "handle": group.handle}
        shown |= {"name": group.handle, "user_count": len(users), "date_delete": 0}
        found.append(shown | ({"users": users} if flag(arguments, "include_users") else {}))
    return {"usergroups": found}


def users_lookup_by_email(site: Site, arguments: Json) -> Json:
    """The person with this address."""
    required(arguments, "email")
    for person in site.workspace.people.values():
        if person.email and person.email.lower() == str(arguments["email"]).lower():
            return {"user": user_json(site, person)}
    raise SlackError("users_not_found")


def users_profile_get(site: Site, arguments: Json) -> Json:
    """One person's profile."""
    required(arguments, "user")
    return {"profile": user_json(site, site.workspace.person(str(arguments["user"])))["profile"]}
