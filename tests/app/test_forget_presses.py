"""Forgetting a person who pressed a button: nothing of what they pressed leads to them, or counts afterwards."""

from typing import Any

from sqlalchemy import Engine

from app.database import reading, writing
from app.forgetting import forget_person
from app.slack.judge import judge
from approvals.adopt import adopt
from approvals.store import standing_votes
from tests.app.slack.test_clicks_and_messages import EDITH as EDITHS
from tests.app.slack.test_judge import press, rows, taken, words_of
from tests.app.slack.test_judge import shown as shown
from tests.app.test_forget import ARJUN, EDITH, GONE, SLACK, TEST


def test_what_a_forgotten_person_pressed_tells_nothing_and_counts_for_nothing(
    engine: Engine, shown: tuple[str, str], clock: Any
) -> None:
    early = taken(engine, press(1, SLACK, shown))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=GONE, actor=TEST)
    told = [one for one in taken(engine, press(2, SLACK, shown, digest="0" * 64)) if one not in early]
    judge(engine, told, {})
    assert rows(engine)[1].note, "judged, and not told yet"
    taken(engine, press(3, SLACK, shown), press(4, EDITHS, shown))
    with writing(engine) as (session, now):
        done = forget_person(session, now=now, person=ARJUN, by=EDITH, reason=None, lease="forget-1")
        assert done.verdict.allowed
    assert [(row.account, row.note, row.judged_at is None) for row in rows(engine)] == [
        *[(None, None, False)] * 3,
        (EDITHS, None, True),
    ]
    assert words_of(engine)[-3:] == ["vote.refused", "vote.refused", "privacy.erased"]
    judge(engine, [row.id or 0 for row in rows(engine)], {})
    with reading(engine) as (session, _):
        assert standing_votes(session, shown[0]) == []
