"""What this package says when it cannot do what it was asked: what, why, what to do."""


class AuditError(Exception):
    """A clear refusal for a person, in three sentences; `str()` is all of them."""

    exit_code = 1

    def __init__(self, what: str, *, why: str, do: str) -> None:
        self.what, self.why, self.do = sentence(what), sentence(why), sentence(do)
        super().__init__(" ".join((self.what, self.why, self.do)))


def sentence(text: str) -> str:
    """`text` with a capital and a full stop; a first word that is a file's name or an id stays as it is."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() else text
    return begun if begun.endswith((".", "!", "?", "…")) else f"{begun}."
