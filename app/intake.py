"""Taking a bill or usage in: the lake loads it, and the log says who loaded what, or what was refused."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from app.database import reading, writing
from app.errors import was_interrupted
from app.ready import operator
from audit import log
from audit.event import Event
from lake.errors import LakeError
from lake.report import IngestReport


def take_in(engine: Engine, load: Callable[[datetime], IngestReport]) -> IngestReport:
    """Runs `load` at the database's time; a LakeError is itself logged, and nothing was changed then."""
    with reading(engine) as (_, now):
        pass
    try:
        report = load(now)
    except LakeError as error:
        with writing(engine) as (session, now):
            data = {"reason": error.what[:200], "why": error.why[:200]}
            log.append(session, now=now, event=Event.DATA_REFUSED, actor=operator(session), data=data)
        raise
    except Exception as error:
        if was_interrupted(error):
            raise KeyboardInterrupt from error
        raise
    with writing(engine) as (session, now):
        data_loaded = {
            "snapshots": list(report.snapshots),
            "rows_in": report.rows_in,
            "rows_loaded": report.rows_loaded,
            "rows_quarantined": report.rows_quarantined,
            "usage_hours": report.usage_hours,
            "totals": [
                {"currency": one.currency, "billed": format(one.billed, "f"), "effective": format(one.effective, "f")}
                for one in report.totals
            ],
        }
        log.append(session, now=now, event=Event.DATA_INGESTED, actor=operator(session), data=data_loaded)
    return report
