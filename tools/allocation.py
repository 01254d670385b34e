"""How much of the spend is whose: what lacks a team, a use case, an owner …, against the share that may.

Nothing is spread over teams that did not cause it. What lacks a name is told in money and percent, and where it
comes from, so that somebody can name it.
"""

from decimal import Decimal

from lake import uncategorised
from lake.errors import LakeError
from lake.uncategorised import Causes, Gap, Gaps
from tools.asked import Asked, NotUnderstoodError, asked, problem_of
from tools.desk import EVERYONE, Desk, failed
from tools.periods import spoken
from tools.result import Problem, ToolResult
from tools.sheet import Sheet
from tools.spend import note_gaps, provenance
from tools.wording import SPOKEN, label

TOOL = "report_allocation"
CAUSES = 5
_SHORT = Decimal("0.0001")


def report_allocation(desk: Desk, *, period: str | None = None, ai: bool | None = None) -> ToolResult:
    """What of the effective cost, taxes apart, lacks each label, in percent against the target; and for the spend
    without a team the services that it comes from."""
    try:
        definite = asked(desk, period=period, ai=ai)
        return _report(desk, definite)
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def _report(desk: Desk, definite: Asked) -> ToolResult:
    question = definite.question
    everything = desk.lake.ask(question)
    # Whoever sees some teams alone sees no charge without one: their share would be a nought that says nothing.
    watched = [name for name in uncategorised.WATCHED if name != "team" or desk.scope == EVERYONE]
    gaps = uncategorised.uncategorised(
        desk.lake, question.period, dimensions=watched, ai=question.ai, teams_seen=desk.scope
    )
    if not gaps.found:
        return failed(desk, TOOL, _no_data(spoken(question.period)), notes=definite.notes)
    sheet = Sheet(desk, TOOL)
    sheet.notes.extend((*definite.notes, f"At most {desk.uncategorised_target} % may lack a name; taxes are left out."))
    for gap in gaps.found:
        _write_gap(sheet, definite, gap, target=desk.uncategorised_target)
    causes = _causes(desk, definite, gaps)
    for service, currency, value in causes.found if causes else ():
        _write_cause(sheet, definite, service, currency, value)
    note_gaps(sheet, everything, None)
    said = provenance(everything)
    queries = (gaps.query, str(said["query"]), *((causes.query,) if causes else ()))
    heading = label("Effective cost", {}, where={}, ai=question.ai)
    return sheet.done(
        title=f"What of the {heading[0].lower()}{heading[1:]} lacks a name, {spoken(question.period)}",
        columns=("part", "without", "share", "target"),
        **{**said, "query": ";\n".join(queries)},
    )


def _write_gap(sheet: Sheet, definite: Asked, gap: Gap, *, target: int) -> None:
    days = spoken(definite.question.period)
    spoken_name = SPOKEN.get(gap.dimension, gap.dimension)
    said = label(f"Effective cost without {spoken_name}", {}, where={}, ai=definite.question.ai)
    kept = {True: "within the target", False: "above the target", None: ""}[gap.within(target)]
    texts = {"part": f"no {spoken_name}", **({"target": kept} if kept else {})}
    row = sheet.row({}, texts=texts)
    sheet.put(row, "without", gap.missing, label=said, unit=gap.currency, period=days)
    if gap.share is not None:
        sheet.put(row, "share", gap.share.quantize(_SHORT), label=f"Share of {said[0].lower()}{said[1:]}", unit="%",
                  period=days)  # fmt: skip


def _causes(desk: Desk, definite: Asked, gaps: Gaps) -> Causes | None:
    """The services of the spend without a team, largest first; None where every charge has one."""
    if not any(gap.dimension == "team" and gap.missing for gap in gaps.found):
        return None
    question = definite.question
    return uncategorised.causes(
        desk.lake, question.period, dimension="team", by="service", limit=CAUSES, ai=question.ai, teams_seen=desk.scope
    )


def _write_cause(sheet: Sheet, definite: Asked, service: str, currency: str, value: Decimal) -> None:
    row = sheet.row({"service": service}, texts={"within": "no team"})
    said = label("Effective cost without team", {"service": service}, where={}, ai=definite.question.ai)
    sheet.put(row, "without", value, label=said, unit=currency, period=spoken(definite.question.period))


def _no_data(period: str) -> Problem:
    return Problem(
        what="There is nothing to allocate.",
        why=f"The bill holds no such charges for {period}: no data, which is not a zero.",
        do="Name a period that the bill covers.",
    )
