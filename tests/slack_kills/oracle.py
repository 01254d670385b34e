"""What must be true after all lives, told from the log and from Slack without asking the code that is judged."""

import json
from collections import Counter
from typing import Any, NamedTuple

from sqlmodel import col, select

from app.database import reading
from app.presses import Press
from app.slack.people import Speaker, not_linked
from approvals.states import words
from approvals.store import Proposal, Vote
from audit.log import LogEntry
from audit.verify import verify
from tests.slack_kills.life import Finger
from tests.slack_kills.talk import PRIVATE
from tests.slack_kills.wire import APPROVERS, CHANNEL, World

VOTES = {"vote.approved", "vote.rejected", "vote.withdrawn", "vote.refused", "vote.repeated"}


class Played(NamedTuple):
    """How the votes stand, and how often each person was to be told each sentence."""

    standing: dict[str, str]
    owed: Counter[tuple[str, str]]


class Table:
    """The rules of one vote for one proposal, played by hand."""

    def __init__(self) -> None:
        self.state, self.standing = "pending", dict[str, str]()

    def play(self, user: str, choice: str) -> str:
        """The entry that this press must have led to."""
        if self.standing.get(user) == choice:
            return "vote.repeated"
        if choice == "withdraw":
            if self.standing.get(user) != "approve" or self.state == "rejected":
                return "vote.refused"
            del self.standing[user]
            self.state = "pending"
            return "vote.withdrawn"
        if user not in APPROVERS or self.state == "rejected" or (choice == "approve" and self.state == "approved"):
            return "vote.refused"
        self.standing[user] = choice
        self.state = "approved" if choice == "approve" else "rejected"
        return f"vote.{self.state}"


def judge_all(world: World, fingers: list[Finger]) -> int:
    """Adds what is wrong to the world's violations; returns how many sentences were said a second time."""
    known = {f"{kind}:{one.trigger}": one for one in fingers for kind in ("block_actions", "view_submission")}
    with reading(world.engine) as (session, _):
        presses = list(session.exec(select(Press).order_by(col(Press.id))))
        entries = list(session.exec(select(LogEntry).order_by(col(LogEntry.seq))))
        (proposal,) = session.exec(select(Proposal)).all()
        standing = session.exec(select(Vote).where(col(Vote.withdrawn_at).is_(None))).all()
        sound = verify(session).ok
    wrong = world.violations
    stored = Counter(press.key for press in presses)
    lost = [key for key, one in known.items() if one.acknowledged and _key(one) == key and not stored[key]]
    wrong += [f"{key} was acknowledged and is not stored" for key in lost]
    wrong += [f"{press.key} was never judged" for press in presses if press.judged_at is None]
    wrong += [f"{press.key} still names somebody" for press in presses if press.account or press.note]
    if not sound:
        wrong.append("the log does not verify")
    due, owed = _play(world, [known[press.key] for press in presses], entries, proposal)
    if sorted(vote.choice for vote in standing) != sorted(due.values()):
        wrong.append(f"votes stand {[(vote.person, vote.choice) for vote in standing]}, not {due}")
    _shown(world, proposal)
    return sum(times for (_, said), times in (world.said - owed).items() if said not in PRIVATE)


def _key(finger: Finger) -> str:
    return f"{'view_submission' if finger.choice == 'reject' else 'block_actions'}:{finger.trigger}"


def _play(world: World, order: list[Finger], entries: list[LogEntry], proposal: Proposal) -> Played:
    """Plays the presses in the order in which they were stored against the log's entries, one entry each; and holds
    what people were told against the entries. Returns who stands how, and what each was to be told."""
    table, found = Table(), [entry for entry in entries if entry.event in VOTES]
    if len(found) != len(order):
        world.violations.append(f"{len(order)} presses led to {len(found)} entries of votes")
        return Played(table.standing, Counter())
    begun = next((entry.seq for entry in entries if entry.event == "proposal.posted"), None)
    owed = Counter[tuple[str, str]]()
    for finger, entry in zip(order, found, strict=True):
        shown = begun is not None and entry.seq > begun
        expected = table.play(finger.user, finger.choice) if shown else "vote.refused"
        if entry.event != expected:
            world.violations.append(f"{finger} led to {entry.event}, not {expected}")
        said = _sentence(finger, entry)
        owed[finger.user, said] += bool(said)
    for (user, said), times in (owed - world.said).items():
        world.violations.append(f"{user} was told {times} times too few: {said}")
    told = [(user, said) for user, said in world.said if said not in PRIVATE]
    world.violations += [f"{user} was told what is not so: {said}" for user, said in told if not owed[user, said]]
    if (proposal.state, len(quorums(entries))) != (table.state, approvals(found)):
        world.violations.append(f"the proposal is {proposal.state}, not {table.state}, or has another quorum")
    return Played(table.standing, owed)


def quorums(entries: list[LogEntry]) -> list[LogEntry]:
    """The entries of a quorum that was met."""
    return [entry for entry in entries if entry.event == "approval.quorum_met"]


def approvals(votes: list[LogEntry]) -> int:
    """How many approvals counted: each meets the quorum of one."""
    return sum(entry.event == "vote.approved" for entry in votes)


def _sentence(finger: Finger, entry: LogEntry) -> str:
    """What the person must have been told, word by word; empty where the card says it."""
    data: dict[str, Any] = json.loads(entry.body)["data"]
    if finger.user == "U0STRANGER":
        return not_linked(Speaker("T0BANK", finger.user, CHANNEL))
    if entry.event == "vote.repeated":
        return f"You have voted so already; nothing changed. It is now: {words(data['state'])}."
    return f"Your vote was not counted: {data['reason']}." if entry.event == "vote.refused" else ""


def _shown(world: World, proposal: Proposal) -> None:
    """Slack shows one card, of the stored state, and each message once."""
    cards = world.cards()
    keys = Counter(
        (message.metadata or {}).get("event_payload", {}).get("key")
        for message in world.site.workspace.messages[CHANNEL].values()
    )
    world.violations += [f"{key} stands {times} times" for key, times in keys.items() if key and times > 1]
    if len(cards) != 1:
        world.violations.append(f"{len(cards)} cards stand in the channel")
    elif words(proposal.state).lower() not in cards[0]["text"].lower():
        world.violations.append(f"the card says {cards[0]['text']!r}, and the proposal is {proposal.state}")
