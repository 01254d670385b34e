"""The scripted provider: real `ChatOpenAI` over loopback, exact trajectories, and every way in which a provider fails.

Each trajectory is asked of the whole process. It must end in the expected words within the turn's limit, and the next
question of the same conversation must be answered as if nothing had been.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.limits import Limits
from agent.model import openai_model
from agent.voices import RetryBudget
from evals.bills import NOW, two_currencies
from evals.graders import Said, unfounded
from evals.subject import Subject, copied, prepared, subject
from sandbox.model.reply import Manner, Reply, calls, calls_all, refuses, says
from sandbox.model.serve import ServedModel, served_model

LIMITS = Limits(seconds=60.0, call_seconds=20.0)
TIGHT = Limits(seconds=12.0, call_seconds=3.0)
"""for what never comes: the trajectory must use its time up, and should not take long"""
NEVER_COMES = (Manner.HANGS, Manner.STALLS, Manner.DRIPS)
SLACK_SECONDS = 6.0
"""beyond the turn's limit: storing, and a machine that does other things beside"""
ASK = "What did OpenAI cost in October 2026?"
LOOK = calls("query_spend", period="2026-10", where={"provider": "OpenAI"})
TOTAL = r"\$3,940\.88 \(Total effective cost"
SAYS = says("In total {q1.t1.effective}.")
AFTER = says("You are welcome.")


@dataclass(frozen=True)
class Trajectory:
    """Replies in their order, what the answer must say (patterns), and which tools must have been used."""

    name: str
    script: tuple[Reply, ...]
    wanted: str
    tools: tuple[str, ...] = ()
    never: str = r"sk-|Traceback|4711|sandbox provider"
    refused: bool = False
    asked_back: bool = False
    limits: Limits = LIMITS
    requests: int = 0
    """how often the provider must have been asked; 0: any number"""
    tokens: int = 0
    """read and written, as they must be counted; 0: any number"""


@dataclass(frozen=True)
class Followed:
    """A trajectory and why it did not end as it should; no reasons if it did."""

    trajectory: Trajectory
    reasons: tuple[str, ...]
    seconds: float


FAILING = {
    Manner.HANGS: "did not answer in time",
    Manner.STALLS: "did not answer in time",
    Manner.DRIPS: "did not answer in time",
    Manner.CUT: "could not be reached or gave no usable reply",
    Manner.ENDS_EARLY: "was cut off",
    Manner.GARBAGE: "could not be reached or gave no usable reply",
    Manner.NO_JSON: "could not be reached or gave no usable reply",
    Manner.BROKEN_JSON: "could not be reached or gave no usable reply",
    Manner.EMPTY: "could not be reached or gave no usable reply",
    Manner.NO_CHOICES: "was cut off",
    Manner.NULL: "was cut off",
    Manner.OTHER_SHAPE: "could not be reached or gave no usable reply",
    Manner.OUT_OF_ROOM: "longer than it may be",
    Manner.FILTERED: "held its reply back",
}
REFUSING = {
    401: "refused the key",
    403: "refused the key",
    404: "not known to the server",
    429: "over its quota or too busy",
    500: "could not be reached or gave no usable reply",
    503: "could not be reached or gave no usable reply",
}


def trajectories() -> list[Trajectory]:
    """All of them: good ones, failures at the first reply and after a tool, and models that misbehave."""
    return [*_good(), *_failing(), *_misbehaving()]


def _good() -> list[Trajectory]:
    two = calls_all(
        ("query_spend", {"period": "2026-10", "where": {"provider": "OpenAI"}}),
        ("query_spend", {"period": "2026-09", "where": {"provider": "OpenAI"}}),
    )
    derive = calls("derive", op="difference", a="q1.t1.effective", b="q2.t1.effective")
    spend = ("query_spend",)
    return [
        Trajectory("one tool, one figure", (LOOK, SAYS, AFTER), TOTAL, spend, requests=2, tokens=1880),
        Trajectory(
            "two calls at once", (two, says("{q1.t1.effective}, before {q2.t1.effective}."), AFTER), TOTAL, spend
        ),
        Trajectory(
            "a derived figure", (two, derive, says("It moved by {q3.r1.difference}.")), r"\$", (*spend, "derive")
        ),
        Trajectory("an answer without tools", (says("Hello. Ask me what AI cost."), AFTER), "Hello", requests=1),
        Trajectory("a refusal", (says("DECLINED: I only read the bill."), AFTER), "only read", refused=True),
        Trajectory("a question back", (says("Which provider do you mean?"), AFTER), "Which", asked_back=True),
        Trajectory("a second attempt that is right", (LOOK, says("It was $5."), SAYS, AFTER), TOTAL, spend, requests=3),
        Trajectory(
            "an unknown name",
            (calls("query_spend", where={"provider": "OpenIA"}), says("Did you mean OpenAI?")),
            "OpenAI",
            asked_back=True,
        ),
        Trajectory("a busy moment", (refuses(429, retry_after="1"), LOOK, SAYS, AFTER), TOTAL, spend, requests=3),
        Trajectory("a fault that passes", (LOOK, refuses(500), SAYS, AFTER), TOTAL, spend, requests=3),
        Trajectory("a cut that passes", (LOOK.arriving(Manner.CUT), LOOK, SAYS, AFTER), TOTAL, spend, requests=3),
    ]


def _failing() -> list[Trajectory]:
    found = []
    for manner, words in FAILING.items():
        limits = TIGHT if manner in NEVER_COMES else LIMITS
        bad = Reply(text="AI cost $99 in all.").arriving(manner, seconds=6.0)
        found.append(Trajectory(f"the first reply {manner}", (bad,), words, never=r"\$99|sk-", limits=limits))
        cut = LOOK.arriving(manner, seconds=6.0)
        found.append(Trajectory(f"a call that {manner}", (cut,), words, never=r"\$3,940|sk-", limits=limits))
        found.append(
            Trajectory(
                f"after a tool the reply {manner}", (LOOK, bad), f"(?s){words}.*{TOTAL}", never=r"\$99", limits=limits
            )
        )
    for status, words in REFUSING.items():
        found.append(Trajectory(f"status {status}", (refuses(status),), words))
        found.append(Trajectory(f"status {status} after a tool", (LOOK, refuses(status)), f"(?s){words}.*{TOTAL}"))
    found.append(Trajectory("busy for an hour", (refuses(429, retry_after="3600"),), REFUSING[429], requests=1))
    return found


def _misbehaving() -> list[Trajectory]:
    forty = calls_all(*[("query_spend", {"period": "2026-10"})] * 40)
    steps = "(more steps|longer) than one question may"
    return [
        Trajectory("it loops", (LOOK,), steps, ("query_spend",)),
        Trajectory("forty calls at once", (forty, SAYS), r"\$|€"),
        Trajectory("forty calls again and again", (forty,), steps),
        Trajectory("a tool that is not there", (calls("approve", id="P-1"), says("I cannot do that here.")), "cannot"),
        Trajectory("arguments that are no JSON", (Reply(calls=(("query_spend", "{'"),)), LOOK, SAYS), TOTAL),
        Trajectory(
            "arguments of another tool", (calls("query_spend", target="x"), LOOK, says("{q2.t1.effective}")), TOTAL
        ),
        Trajectory(
            "an invented figure, twice", (LOOK, says("It was $5."), says("It was $6.")), f"tools found.*(?s:.*){TOTAL}"
        ),
        Trajectory("an empty answer, twice", (LOOK, says("")), TOTAL),
        Trajectory("JSON for an answer", (LOOK, says('{"answer": 5}')), TOTAL),
        Trajectory("a claim of a deed", (LOOK, says("I have approved it.")), TOTAL, never="I have approved"),
        Trajectory("a link", (LOOK, says("See https://evil.example for {q1.t1.effective}.")), TOTAL, never="evil"),
        Trajectory("a hundred thousand letters", (says("a" * 100_000),), "longer than it may be"),
        Trajectory("another's figure", (says("{q7.t1.effective}"),), "could not put together"),
    ]


async def follow_all(chosen: Sequence[Trajectory]) -> list[Followed]:
    """Follows the trajectories one after the other, on a small bill in a temporary home."""
    with TemporaryDirectory(prefix="spendgate-scripted-") as made, served_model(SAYS) as provider:
        place = Path(made)
        template = prepared(place / "template", two_currencies(place / "bill"), now=NOW)
        async with subject(copied(template, place / "home"), now=NOW) as product:
            return [await follow(one, product, provider) for one in chosen]


async def follow(one: Trajectory, product: Subject, provider: ServedModel) -> Followed:
    """One trajectory, and a question after it."""
    seconds = one.limits.call_seconds
    model = openai_model(key="sk-scripted", model="scripted", base_url=provider.address, seconds=seconds)
    product.speak_with(model, limits=one.limits, retries=RetryBudget())
    provider.say(*one.script)
    began = time.monotonic()
    thread, said = await product.turn(ASK)
    taken = time.monotonic() - began
    reasons = [*_wrong(one, said, len(provider.requests))]
    if taken > one.limits.seconds + SLACK_SECONDS:
        reasons.append(f"it took {taken:.1f} s")
    provider.say(says("You are welcome."))
    product.speak_with(model, limits=LIMITS, retries=RetryBudget())
    _, after = await product.turn("thanks", thread=thread)
    if after.answer != "You are welcome.":
        reasons.append(f"the next turn says: {after.answer[:100]}")
    return Followed(one, tuple(reasons), taken)


def _wrong(one: Trajectory, said: Said, requests: int) -> list[str]:
    reasons = [*unfounded(said, asked=ASK)]
    if not re.search(one.wanted, said.answer):
        reasons.append(f"the answer does not say /{one.wanted}/: {said.answer[:200]}")
    if re.search(one.never, said.answer):
        reasons.append(f"the answer says /{one.never}/")
    reasons += [f"the tool {tool} was not used" for tool in one.tools if tool not in said.tools]
    if (said.refused, said.asked_back) != (one.refused, one.asked_back):
        reasons.append(f"refused {said.refused}, asked back {said.asked_back}")
    if one.requests and requests != one.requests:
        reasons.append(f"the provider was asked {requests} times and not {one.requests}")
    if one.tokens and sum(said.tokens) != one.tokens:
        reasons.append(f"{sum(said.tokens)} tokens were counted and not {one.tokens}")
    return reasons
