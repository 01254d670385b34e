"""api.test, auth.test, users.*, usergroups.*: who is there, in which group, and whether the token is known."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import page_of, required
from sandbox.slack.errors import SlackError
from sandbox.slack.seed import Person
from sandbox.slack.site import Site

Json = dict[str, Any]


def api_test(_: Site, arguments: Json) -> Json:
    """Echoes its arguments; `error` makes it fail by that name."""
    given = {key: value for key, value in arguments.items() if key != "token"}
    if "error" in given:
        raise SlackError(str(given["error"]), args=given)
    return {"args": given} if given else {}


def auth_test(site: Site, _: Json) -> Json:
    """Whom the token stands for."""
    seed = site.workspace.seed
    return {
        "url": f"{site.settings.base_url}/",
        "team": seed.team.name,
        "user": seed.app.handle,
        "team_id": seed.team.id,
        "user_id": seed.app.user,
        "bot_id": seed.app.bot,
        "app_id": seed.app.id,
        "is_enterprise_install": False,
    }


def users_info(site: Site, arguments: Json) -> Json:
    """One person, or the app's own user."""
    required(arguments, "user")
    user = str(arguments["user"])
    if user == site.workspace.seed.app.user:
        return {"user": _app_user(site)}
    return {"user": user_json(site, site.workspace.person(user))}


def users_list(site: Site, arguments: Json) -> Json:
    """Everyone, the app's user last."""
    every = [user_json(site, person) for person in site.workspace.people.values()] + [_app_user(site)]
    page, following = page_of(every, arguments)
    return {"members": page, "cache_ts": int(site.ticker.now()), "response_metadata": {"next_cursor": following}}


def usergroups_users_list(site: Site, arguments: Json) -> Json:
    """The ids of a group's members."""
    required(arguments, "usergroup")
    users = site.workspace.groups.get(str(arguments["usergroup"]))
    if users is None:
        raise SlackError("no_such_subteam")
    return {"users": list(users)}


def user_json(site: Site, person: Person) -> Json:
    """A person as the Web API shows them."""
    return {
        "id": person.id,
        "team_id": site.workspace.seed.team.id,
        "name": person.handle,
        "real_name": person.name,
        "deleted": person.deleted,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": 0,
        "profile": {
            "title": person.title,
            **({"email": person.email} if person.email else {}),
            "real_name": person.name,
            "display_name": person.handle,
            "real_name_normalized": person.name,
            "display_name_normalized": person.handle,
            "team": site.workspace.seed.team.id,
        },
        "is_admin": False,
        "is_owner": False,
        "is_restricted": person.guest,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": 0,
    }


def _app_user(site: Site) -> Json:
    app = site.workspace.seed.app
    user = user_json(site, Person(id=app.user, name=app.name, handle=app.handle))
    user["is_bot"] = True
    user["profile"] |= {"bot_id": app.bot, "api_app_id": app.id}
    return user
