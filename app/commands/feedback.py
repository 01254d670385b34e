"""`spendgate slack feedback`: how people received the answers, counted, and what they wrote."""

from datetime import timedelta

from app.commands.console import hint, print_json, print_table
from app.commands.here import person_at, place
from app.database import reading
from app.ratings import Ratings, ratings

MOST_REASONS = 20
ERASED = "(erased: whoever wrote it was forgotten)"


def show(*, days: int, person: str | None, as_json: bool) -> None:
    """The ratings of the last so many days, by model; the reasons for whoever sees every team, since a reason may
    repeat what an answer said."""
    here = place()
    reader = person_at(here, person)
    everything = "*" in reader.sees_teams
    with reading(here.engine) as (session, now):
        found = ratings(session, since=now - timedelta(days=days), reasons=MOST_REASONS if everything else 0)
    if as_json:
        print_json(document(found, days))
        return
    rows = [(model, yes, no, f"{100 * yes // (yes + no)} %") for model, (yes, no) in found.by_model.items()]
    print_table(("Words by", "Helpful", "Not helpful", "Share helpful"), rows, right=frozenset({"Share helpful"}))
    if found.reasons:
        said = [(one.rated_at.strftime("%Y-%m-%d %H:%M"), one.turn, one.text or ERASED) for one in found.reasons]
        print_table(("When (UTC)", "Answer", "Why it was not helpful"), said)
    if not rows:
        hint(f"Nobody rated an answer in the last {days} days. The buttons stand under every answer in Slack.")
    elif not everything:
        hint("What people wrote is shown to whoever sees every team.")


def document(found: Ratings, days: int) -> dict[str, object]:
    """The same for a program."""
    return {
        "days": days,
        "helpful": found.helpful,
        "not_helpful": found.unhelpful,
        "by_model": {model: {"helpful": yes, "not_helpful": no} for model, (yes, no) in found.by_model.items()},
        "reasons": [
            {"answer": one.turn, "at": one.rated_at.isoformat(), "text": one.text, "erased": one.text is None}
            for one in found.reasons
        ],
    }
