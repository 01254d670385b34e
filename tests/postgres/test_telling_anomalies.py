"""On PostgreSQL, where each process has a role of its own: a scan makes a message due, and the gate says where it
stands."""

from app.anomaly_rows import AnomalyDue
from app.database import reading, writing
from app.database_roles import AGENT, GATE
from app.slack import anomalies
from app.slack.anomalies import Message, Place
from app.slack.deliver import Standing
from tests.app.slack.test_anomalies import an_event, found
from tests.postgres.conftest import Served

HERE = Place("T0BANK", ("C0AIOPS",))


def test_the_gate_notes_where_a_message_stands_and_what_it_shows(served: Served) -> None:
    gate = served.engine(GATE)
    found(served.engine(AGENT), an_event(1), slot="s1")
    found(served.engine(AGENT), an_event(2), slot="s2")
    message = Message("s2", "fraud", "C0AIOPS", "text", [], ("s1",))
    with writing(gate) as (session, now):
        anomalies._posted(session, message, Standing("C0AIOPS", "1.2", {"drawn": "x"}), now)
    anomalies._drawn(gate, message)
    anomalies._drop(gate, "s2", "fraud", "message_not_found")
    with reading(gate) as (session, _):
        row, other = (session.get_one(AnomalyDue, (slot, "fraud")) for slot in ("s2", "s1"))
        assert (row.channel, row.ts, row.drawn, row.refused) == ("C0AIOPS", "1.2", message.print, "message_not_found")
        assert (other.refused, row.posted_at is not None) == ("told with s2", True)
