"""`spendgate lake status` and `spendgate tie-out`: what the lake holds, and whether it is what the invoices say."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from app.commands.console import hint, print_json, print_table
from app.errors import Exit, Problem
from lake.allocation_rules import AllocationRules
from lake.engine import Lake
from lake.money import plain, rounded
from lake.period import Period
from lake.question import EVERY_TEAM
from lake.tie_out import NO_INVOICE, tie_out
from lake.uncategorised import Gap, rounded_share, uncategorised


def status(*, lake: Lake, rules: AllocationRules, teams_seen: tuple[str, ...], as_json: bool) -> None:
    """Each source with its periods, how far it reaches, and what was held back; an empty lake is said, not an error.

    Beside it how much of the last complete month has no name, and which bills were loaded by other allocation rules.
    """
    held = lake.coverage()
    gaps = _gaps(lake, teams_seen) if held else ()
    older = [one.id for one in lake.current() if one.allocation != rules.digest]
    if as_json:
        print_json(
            {
                "folder": str(lake.folder),
                "sources": held,
                "uncategorised": [_gap(one, rules.target_percent) for one in gaps],
                "loaded_by_other_rules": older,
            }
        )
        return
    rows = [
        (
            one.source,
            f"{one.periods[0]} … {one.periods[-1]}" if len(one.periods) > 1 else one.periods[0],
            one.data_through[:16].replace("T", " "),
            "final" if one.final else "open",
            f"{one.rows:,}",
            f"{one.quarantined:,}",
        )
        for one in held
    ]
    columns = ("source", "billing periods", "data through (UTC)", "state", "charges", "held back")
    print_table(columns, rows, right=frozenset({"charges", "held back"}))
    if not held:
        hint("The lake is empty. Load a bill: spendgate ingest FILE.")
    for gap in gaps:
        _tell_gap(gap, rules.target_percent)
    if older:
        some = f"{', '.join(older[:3])}{' …' if len(older) > 3 else ''}"
        hint(f"Loaded by other allocation rules than those of now: {some}. Load the bill again to have these count.")


def _gaps(lake: Lake, teams_seen: tuple[str, ...]) -> tuple[Gap, ...]:
    """What of the last complete month, else of the newest, lacks a team or a use case."""
    period = lake.last_complete_period() or lake.latest_period()
    names = ("team", "use_case") if EVERY_TEAM in teams_seen else ("use_case",)
    return uncategorised(lake, period, dimensions=names, teams_seen=teams_seen).found


def _gap(gap: Gap, target: int) -> dict[str, object]:
    return {
        "period": gap.period.label,
        "dimension": gap.dimension,
        "currency": gap.currency,
        "missing": plain(gap.missing),
        "total": plain(gap.total),
        "share_percent": None if gap.share is None else format(rounded_share(gap.share), "f"),
        "within_target": gap.within(target),
    }


def _tell_gap(gap: Gap, target: int) -> None:
    if gap.share is None:
        return
    kept = "within" if gap.within(target) else "above"
    hint(
        f"{gap.period.label}, {gap.currency}: {rounded_share(gap.share)} % of the effective cost has no "
        f"{gap.dimension.replace('_', ' ')} ({rounded(gap.missing)}), {kept} the target of {target} %."
    )


def tie(
    *,
    lake: Lake,
    period: str,
    stated: Sequence[str],
    source: str | None,
    teams_seen: Sequence[str],
    as_json: bool,
) -> int:
    """Prints the invoices of a period; returns the exit code, 7 if one does not tie or is not there."""
    if EVERY_TEAM not in teams_seen:
        raise Problem(
            "You may not tie invoices out.",
            why="An invoice holds the charges of every team, and your scope is narrower.",
            do="Ask somebody whose `sees_teams` in people.toml is every team.",
            exit_code=Exit.DENIED,
        )
    found = tie_out(lake, Period.parse(period), _stated(stated), source=source)
    if as_json:
        invoices = [
            {
                "source": one.source,
                "period": one.period,
                "invoice": None if one.invoice == NO_INVOICE else one.invoice,
                "currency": one.currency,
                "charges": one.charges,
                "billed": plain(one.billed),
                "stated": None if one.stated is None else plain(one.stated),
                "difference": None if one.difference is None else plain(one.difference),
                "ties": one.ties,
            }
            for one in found.invoices
        ]
        print_json({"agrees": found.agrees, "invoices": invoices, "unknown": list(found.unknown)})
    else:
        rows = [
            (
                one.source,
                one.period,
                one.invoice,
                one.currency,
                rounded(one.billed),
                "" if one.stated is None else rounded(one.stated),
                {None: "", True: "ties", False: "differs by"}[one.ties],
                plain(one.difference) if one.difference else "",
            )
            for one in found.invoices
        ]
        columns = ("source", "period", "invoice", "currency", "billed", "stated", "", "difference")
        print_table(columns, rows, right=frozenset({"billed", "stated", "difference"}))
        for invoice in found.unknown:
            hint(f"The lake holds no charge of invoice {invoice} in {period}.")
        if not found.invoices:
            hint(f"No billing period that begins in {period} is loaded.")
    return Exit.OK if found.agrees else Exit.VERIFICATION_FAILED


def _stated(given: Sequence[str]) -> dict[str, Decimal]:
    stated: dict[str, Decimal] = {}
    for text in given:
        invoice, equals, amount = text.rpartition("=")
        try:
            value = Decimal(amount.strip())
        except InvalidOperation:
            value = Decimal("NaN")
        if not equals or not invoice.strip() or not value.is_finite() or invoice.strip() in stated:
            raise Problem(
                f"'{text}' states no total.",
                why="A stated total is an invoice's id, an equals sign and a plain amount, each invoice once.",
                do="Write --invoice INV-2026-10=1234.56.",
                exit_code=Exit.USAGE,
            )
        stated[invoice.strip()] = value
    return stated
