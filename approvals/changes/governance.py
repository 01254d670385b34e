"""Changes of the gate itself: other rules, other people, the kill switch off again.

What decides about changes is itself changed only by the same vote, with the same bytes, log and claim. The text that is
adopted stands in a row of its own under its digest: a people file holds names, and sealed bytes hold none.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from approvals.changes.step import Request, ReversibilityClass, Step

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[0-9]{12})$")]
PROVIDER: Final = "spendgate"
ADOPT, RELEASE = "spendgate:AdoptPolicy", "spendgate:ReleaseKillSwitch"


class _OfTheGate(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["spendgate"] = PROVIDER

    @property
    def account(self) -> str:
        """The gate is in no cloud account; this is the word that stands where one would."""
        return PROVIDER

    @property
    def region(self) -> str:
        """Where the request goes: this gate's own database."""
        return "database"

    @property
    def reversibility_class(self) -> ReversibilityClass:
        """How far a governance change can be undone, as a class: by the same vote."""
        return "reversible"


class AdoptPolicy(_OfTheGate):
    """Put other rules or other people into force. `replaces` is the digest of what must still be in force then."""

    kind: Literal["adopt_rules", "adopt_people"]
    digest: Digest
    replaces: Digest

    @property
    def what(self) -> str:
        """Which of the two: rules or people."""
        return self.kind.removeprefix("adopt_")

    @property
    def target(self) -> str:
        """What people call it."""
        return self.what

    @property
    def resource(self) -> str:
        """The one name of what changes: at most one open proposal for the rules, and one for the people."""
        return f"{PROVIDER}:policy/{self.what}"

    def title(self) -> str:
        """What would happen; the step names both digests in full."""
        return f"Put other {self.what} ({self.digest[:12]}…) into force in place of {self.replaces[:12]}…"

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return f"reversible: the {self.what} in force before can be adopted again, by the same vote"

    def inverse(self) -> "AdoptPolicy":
        """The change that undoes this one."""
        return AdoptPolicy(kind=self.kind, digest=self.replaces, replaces=self.digest)

    def steps(self) -> tuple[Step, ...]:
        """The one adoption, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self._request(self.digest, self.replaces),
                expect={"in_force": self.digest},
                inverse=self._request(self.replaces, self.digest),
            ),
        )

    def _request(self, digest: str, replaces: str) -> Request:
        parameters = {"Kind": self.what, "Digest": digest, "Replaces": replaces}
        return Request(operation=ADOPT, account=self.account, region=self.region, parameters=parameters)


class ReleaseKillSwitch(_OfTheGate):
    """Turn the kill switch off again. `turn` is the turn that put it on: a later one needs its own vote."""

    kind: Literal["release_kill_switch"] = "release_kill_switch"
    scope: Scope
    turn: int

    @property
    def target(self) -> str:
        """What people call it."""
        return "kill switch"

    @property
    def resource(self) -> str:
        """The one name of this switch."""
        return f"{PROVIDER}:kill-switch/{self.scope}"

    def title(self) -> str:
        """What would happen."""
        where = "every account" if self.scope == "*" else f"account {self.scope}"
        return f"Turn off the kill switch for {where} (turn {self.turn})"

    @property
    def reversibility_class(self) -> ReversibilityClass:
        """How far it can be undone, as a class: by people, and by no request of this change."""
        return "externally_reversible"

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "externally reversible: people can turn the switch on again at any moment, without a vote"

    def steps(self) -> tuple[Step, ...]:
        """The one turn of the switch; what undoes it needs no proposal."""
        parameters = {"Scope": self.scope, "Turn": str(self.turn)}
        request = Request(operation=RELEASE, account=self.account, region=self.region, parameters=parameters)
        return (Step(number=1, request=request, expect={"engaged": "no"}),)
