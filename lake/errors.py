"""What the lake says when it cannot do what was asked: what happened, why, and what to do."""


class LakeError(Exception):
    """A refusal that a person can act on; nothing was changed when it is raised."""

    exit_code = 1

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what} {why} {do}".strip())
        self.what = what
        self.why = why
        self.do = do


class CannotBeAsked(LakeError):
    """Words that are no question: a period, a filter or a dimension that does not exist."""

    exit_code = 2


class NameNotKnown(LakeError):
    """A question names a team, service … that no charge in the asker's scope carries."""

    exit_code = 4

    def __init__(self, *, dimension: str, value: str, closest: tuple[str, ...]) -> None:
        near = f"The closest known names: {', '.join(closest)}." if closest else "No known name is close to it."
        super().__init__(
            f"No {dimension} is named '{value}'.",
            why=near,
            do=f"Ask with one of the names that the bill carries (spendgate spend --by {dimension} lists them).",
        )
        self.dimension = dimension
        self.value = value
        self.closest = closest


class SourceConflict(LakeError):
    """A load that would count charges twice, or make some vanish."""

    exit_code = 5
