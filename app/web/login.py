"""Who is reading: a signed link, bound to one person and short-lived, that becomes a cookie of this browser.

There is no sign-in yet, so whoever can read the home's key (the operating-system user that runs Spendgate) makes the
links. Loopback alone is no proof: any page in a browser, and any user of the machine, can reach a loopback port.
"""

import os
import secrets

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from app.errors import Exit, Problem
from app.home import Home

LINK_SECONDS = 8 * 3600
COOKIE = "spendgate_reader"


def serializer(home: Home) -> URLSafeTimedSerializer:
    """Signs with the home's own key, made at its first use and readable by its owner only."""
    if not home.web_key.exists():
        handle = os.open(home.web_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
    return URLSafeTimedSerializer(home.web_key.read_text().strip(), salt="spendgate.reader.v1")


def link_token(home: Home, person: str) -> str:
    """A token that lets `person` read for the next eight hours."""
    return serializer(home).dumps({"person": person})


def reader(home: Home, token: str | None) -> str:
    """The opaque id of the person whom `token` lets in."""
    try:
        return str(serializer(home).loads(token or "", max_age=LINK_SECONDS)["person"])
    except SignatureExpired as error:
        raise Problem(
            "This link has expired.",
            why="Links to the log last eight hours.",
            do="Get a new one with `spendgate audit link`.",
            exit_code=Exit.DENIED,
        ) from error
    except (BadSignature, KeyError, TypeError) as error:
        raise Problem(
            "The log opens only with a link made for you.",
            why="This address bears no valid token, so Spendgate does not know who is reading.",
            do="Get a link with `spendgate audit link` on the machine that runs Spendgate.",
            exit_code=Exit.DENIED,
        ) from error
