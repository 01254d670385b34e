"""How a saving that the bill's meters show is written into a result: names, evidence, and the money in cash."""

from lake.metered import Metered
from tools.opportunity import Opportunity
from tools.periods import spoken
from tools.result import Row
from tools.rules.evidence import Verdict
from tools.rules.portfolio import Part
from tools.sheet import Sheet
from tools.shown import shown

MONEY_NOTE = (
    "Beside machines: savings are in cash, that is without what a commitment covers, since that is paid all the same; "
    "low to high is from the cheapest day without reuse of a freed commitment to the dearest day with all of it reused."
)

ESTIMATE_NOTE = (
    "What runs away is reckoned for a month if it goes on, from what it costs until somebody notices to the dearest"
    " hour or day; it is in no total. Of keys of a gateway it is the gateway's own estimate, before any bill."
)


def names_of(resource: Metered) -> dict[str, str]:
    """The resource's names as a row carries them."""
    named = ("name", "team", "use_case", "environment", "account", "region")
    names = {"resource": resource.resource_id, **{name: str(getattr(resource, name)) for name in named}}
    return {key: value for key, value in names.items() if value}


def called(resource: Metered) -> str:
    """The resource's name for a person, or its id."""
    return shown(resource.name or resource.resource_id)


def part_of(one: Opportunity) -> Part:
    """What it counts in the whole."""
    return Part(one.resource.resource_id, one.judged.form.order, one.cash, one.judged.takes, one.judged.also)


def put_opportunity(sheet: Sheet, one: Opportunity) -> Row:
    """A row with its rule, its reason and its money; of one that is unknown, what is missing."""
    form, money = one.judged.form, one.judged.money
    texts = {"verdict": str(one.verdict), "rule": form.name, "why": one.judged.why}
    if one.verdict == Verdict.UNKNOWN:
        texts["missing"] = "; ".join(one.judged.finding.missing)
    elif money is not None:
        texts |= {"risk": form.risk.split(":")[0], "reversibility": form.reversibility.split(":")[0],
                  "confidence": str(money.confidence)}  # fmt: skip
    row = sheet.row(names_of(one.resource), texts=texts)
    who, days = called(one.resource), spoken(one.period)
    if money is not None and one.verdict.saves:
        rate = f"at the rate of {days}"
        whose = f" {form.estimate}" if form.estimate else ""
        for column, value, said in (
            ("per_month", money.cash, "Saving a month, in cash"),
            ("low", money.low, "Saving a month at least"),
            ("high", money.high, "Saving a month at most"),
            ("effective_per_month", money.effective, "Saving a month as effective cost"),
            ("list_per_month", money.list_price, "Saving a month at list price"),
            ("per_year", money.per_year, "Saving a year, in cash"),
            ("annual_cost", money.annual_cost, "Effective cost a year"),
        ):
            if value is not None:
                sheet.put(row, column, value, label=f"{said}{whose}, {who}", unit=one.resource.currency, period=rate)
    for check in one.judged.finding.checks:
        if check.measured is not None:
            said = f"{who}: {check.label} (waste if {check.condition})"
            sheet.put(row, check.name, check.measured, label=said, unit=check.unit or "count", period=days)
    return row
