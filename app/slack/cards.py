"""A proposal's card as Slack blocks: a pure function of the projected row.

In the order in which people decide: what and in which state, why, how risky, what changes exactly, who decides and by
when, buttons, where it comes from. The state stands first and in words, so that a notification and a screen reader say
it. Text from a tag or a name is data: escaped, made visible, never cut where it is part of what is approved.
"""

import json
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.slack.answers import escape, marked
from app.slack.card_buttons import decisions, way
from approvals.card import Card, SlotShown
from approvals.person import People
from approvals.store import BREAK_GLASS
from tools.shown import one_line, shown

Block = dict[str, Any]
HEADER_LIMIT, FIELD_LIMIT, SECTION_LIMIT, TEXT_LIMIT = 150, 2000, 3000, 300
CODE_LIMIT = 2900
BLOCKS_LIMIT = 9000
FIELDS_LIMIT = 10
VOTED = {"approve": "approved", "reject": "rejected"}
LONGEST_ESCAPE = 12
"""How many characters one that hides may become when it is made visible."""
ADVICE_LIMIT = 900


def card_blocks(card: Card, *, people: People, team: str, pages: bool = False) -> tuple[str, list[Block]]:
    """The fallback text (the whole decision in a line) and the blocks. `pages`: a browser reaches our pages."""
    blocks = [
        _header(f"{_capital(card.words)}: {card.title}"),
        _section(f"*{data(card.title)}*\n{why(card)}"),
        _fields(facts(card, people, team)),
        *(_section(text) for text in steps(card)),
    ]
    blocks += [_section(part) for part in difference(card)]
    if card.reason:
        blocks.append(_section(f"*Reason:* {data(card.reason)}"))
    if card.advice:
        # A model wrote it, about bytes that anybody may have had a hand in: quoted, signed, and no input of anything.
        told = data(card.advice)[:ADVICE_LIMIT]
        blocks.append(_context(f"_Second reading by {data(card.advised_by or 'a model')}, advice only:_ {told}"))
    if card.hint:
        blocks.append(_section(f"*Waiting:* {data(card.hint)}"))
    deciders = who_decides(card, people, team)
    complete = _complete(blocks) and len(deciders) <= SECTION_LIMIT
    if not complete:
        blocks = _as_much_as_fits([_cut(block) for block in blocks])
        blocks.append(_section("*This proposal cannot be shown here completely, so it cannot be approved from Slack.*"))
    elif (by := way(card, pages=pages)) is not None:
        blocks.append(_section(by))
    blocks += decisions(card, complete=complete, pages=pages)
    blocks.append(_context(deciders))
    blocks.append(_context(f"{card.proposal} · version {card.version} · digest {card.digest8 or 'none'}"))
    return fallback(card)[:TEXT_LIMIT], [_cut(block) for block in blocks]


def data(text: str) -> str:
    """Text from outside, harmless: escaped, with characters that hide or reorder made visible. Never cut here: whether
    it fits is judged of the whole card, since what was cut would look complete."""
    return escape(shown(text, LONGEST_ESCAPE * max(len(text), 1)))


def difference(card: Card) -> list[str]:
    """What a text would change, line by line and to the letter, in as many sections as it takes."""
    parts: list[str] = []
    for line in card.difference:
        told = escape(one_line(line)).replace("`", "\\u0060")
        if parts and len(parts[-1]) + len(told) < CODE_LIMIT:
            parts[-1] += f"\n{told}"
        else:
            parts.append(told)
    return [f"{'' if at else '*What changes:*'}\n```\n{part}\n```" for at, part in enumerate(parts)]


def why(card: Card) -> str:
    """What it would save and by which evidence: every figure with its own label, under its own period."""
    lines = []
    if card.saving is not None:
        lines.append(f"Saves *{money(card.saving, card.currency)} a year*.")
    periods: dict[str, list[str]] = {}
    for figure in card.figures:
        label = str(figure.get("label", "")).removeprefix(f"{card.resource_name}: ")
        value = str(figure.get("display", figure.get("value", "")))
        periods.setdefault(str(figure.get("period", "")), []).append(f"• {data(label)}: *{data(value)}*")
    for period, shown_figures in periods.items():
        lines += [f"_{data(_capital(period))}_" if period else "", *shown_figures]
    if card.window and not card.figures:
        lines.append(f"Measured over {data(card.window)}.")
    if not lines and card.difference:
        return "What changes stands below, line by line."
    if not lines and card.inverse_of:
        return f"The way back that was sealed with {data(card.inverse_of)}, request by request."
    return "\n".join(line for line in lines if line) or "No evidence was given."


def facts(card: Card, people: People, team: str) -> list[str]:
    """What a person weighs: whose, where, how far it can be undone."""
    found = [
        f"*Resource*\n{data(card.resource_name or 'unnamed')}",
        f"*Environment*\n{data(card.environment.replace('_', '-'))} · {card.risk.value} risk",
        f"*Requested by*\n{mention(card.requester, people, team)}",
        f"*Owner*\n{data(card.team or 'unknown')}",
        f"*Amount for the policy*\n{money(card.amount, card.currency)} a year",
        f"*Undo*\n{data(card.reversibility or 'unknown')}",
    ]
    if card.authority == BREAK_GLASS:
        due = f"; review by {at(card.until)}" if card.until else ""
        found.append(f"*Emergency*\nbreak-glass for {data(card.incident or 'unknown')}{due}")
    if card.inverse_of:
        found.append(f"*Undoes*\n{data(card.inverse_of)}")
    if card.supersedes:
        found.append(f"*Replaces*\n{data(card.supersedes)}, and its votes")
    if card.blast_radius:
        found.append("*Touches*\n" + "\n".join(data(one) for one in card.blast_radius))
    return found


def steps(card: Card) -> list[str]:
    """Every request, in full: before, after, what undoes it and how far it is."""
    return [
        f"*Step {step.number}:* {data(step.sentence)}\nbefore: {data(step.before)} → after: {data(step.after)}"
        f" · undo: {data(step.undo)} · {data(step.progress)}"
        for step in card.steps
    ]


def who_decides(card: Card, people: People, team: str) -> str:
    """The slots, by whom each is filled, and until when."""
    slots = [f"{data(slot.role)}: {_holder(slot, people, team)}" for slot in card.slots]
    parts = ["Needs " + ", ".join(slots)] if slots else []
    votes = [
        f"{mention(vote.person, people, team)} {VOTED.get(vote.choice, vote.choice)} {at(vote.cast_at)}"
        for vote in card.votes
    ]
    if votes:
        parts.append("votes: " + ", ".join(votes))
    if card.expires_at and card.approvable:
        parts.append(f"expires {at(card.expires_at)}")
    if card.policy:
        parts.append(data(card.policy))
    return " · ".join(parts) or "Nobody decides on it any more."


def _holder(slot: SlotShown, people: People, team: str) -> str:
    """Who filled the slot; an open one that nobody could fill says so, since no waiting would help."""
    if slot.person:
        return mention(slot.person, people, team)
    roles = {role.strip() for role in slot.role.split(" or ")}
    return "open" if any(roles & person.roles for person in people.by_id.values()) else "open, and nobody holds it"


def mention(person_id: str, people: People, team: str) -> str:
    """The person as Slack shows a member, or the opaque id of somebody without an account here."""
    person = people.by_id.get(person_id)
    for workspace, user in person.slack if person else ():
        if workspace == team:
            return f"<@{user}>"
    return data(person.name if person else person_id)


def at(moment: datetime) -> str:
    """A time that Slack shows in the reader's zone, with UTC beside it for everybody else."""
    utc = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{utc}>"


def money(amount: str | None, currency: str | None) -> str:
    """An amount as people read it; none is said, not shown as zero."""
    if amount is None:
        return "unknown"
    rounded = Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{rounded:,} {currency or ''}".strip()


def fallback(card: Card) -> str:
    """The decision in one line, for notifications and screen readers."""
    saving = f" Saves {money(card.saving, card.currency)} a year." if card.saving else ""
    return data(f"{_capital(card.words)}: {card.title} ({card.proposal}).{saving}")


def _complete(blocks: list[Block]) -> bool:
    """Whether nothing that is approved would be cut: each text within its limit, and all within a message's."""
    fits = all(len(block.get("fields", ())) <= FIELDS_LIMIT for block in blocks) and all(
        len(text["text"]) <= (FIELD_LIMIT if text in block.get("fields", ()) else SECTION_LIMIT)
        for block in blocks
        for text in (
            *block.get("fields", ()),
            *([block["text"]] if block["type"] == "section" and "text" in block else ()),
        )
    )
    return fits and len(json.dumps(blocks)) <= BLOCKS_LIMIT


def _as_much_as_fits(blocks: list[Block]) -> list[Block]:
    """The beginning of a card that is too long: Slack would refuse the whole of it, and then nobody could reject it."""
    kept = list(blocks)
    while len(kept) > 1 and len(json.dumps(kept)) > BLOCKS_LIMIT:
        kept.pop()
    return kept


def _cut(block: Block) -> Block:
    if block["type"] == "section" and "text" in block and len(block["text"]["text"]) > SECTION_LIMIT:
        block["text"]["text"] = block["text"]["text"][: SECTION_LIMIT - 14] + "… (truncated)"
    if "fields" in block:
        block["fields"] = block["fields"][:FIELDS_LIMIT]
    for text in block.get("fields", ()):
        if len(text["text"]) > FIELD_LIMIT:
            text["text"] = text["text"][: FIELD_LIMIT - 14] + "… (truncated)"
    return block


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": shown(text, HEADER_LIMIT), "emoji": False}}


def _section(text: str) -> Block:
    return {"type": "section", "text": marked(text)}


def _fields(texts: list[str]) -> Block:
    return {"type": "section", "fields": [marked(text) for text in texts]}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [marked(text[:SECTION_LIMIT])]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
