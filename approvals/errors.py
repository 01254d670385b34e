"""What this package says when it cannot go on: what, why, what to do. A refused vote is a result, never this."""

from audit.errors import sentence


class GateError(Exception):
    """A clear refusal for a person, in three sentences; `str()` is all of them."""

    exit_code = 1

    def __init__(self, what: str, *, why: str, do: str) -> None:
        self.what, self.why, self.do = sentence(what), sentence(why), sentence(do)
        super().__init__(" ".join((self.what, self.why, self.do)))


class NotFound(GateError):
    """There is no such proposal."""

    exit_code = 4


class PolicyError(GateError):
    """A rules or people file that cannot be used; `where` names the place in it."""

    exit_code = 2

    def __init__(self, what: str, *, why: str, do: str, where: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.where = where


class Altered(GateError):
    """Stored bytes are not those that were sealed."""

    exit_code = 7
