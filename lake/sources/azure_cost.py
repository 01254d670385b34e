"""Azure's own cost exports, EA and MCA, actual and amortized (for FOCUS exports of Azure see `focus.py`).

The two datasets tell the same charges twice: *actual* has the purchase of a reservation and its use at no cost,
*amortized* has no purchase, and the use and the unused part at their share of it. So one of them is loaded, never both:
the amortized one for what things cost, the actual one for what is invoiced.
"""

import duckdb

from lake import duck
from lake.errors import SourceConflict
from lake.report import Finding
from lake.sources.cells import Cells, in_utc, one_of
from lake.sources.computed import Computed, How, column
from lake.sources.port import Reading, Rows, list_cost_unknown
from lake.sources.table_file import TableFile, from_table

AI = "AI and Machine Learning"
CATEGORIES = {
    "AI + Machine Learning": AI, "Analytics": "Analytics", "Azure Arc": "Multicloud", "Compute": "Compute",
    "Containers": "Compute", "Databases": "Databases", "Developer Tools": "Developer Tools",
    "Integration": "Integration", "Internet of Things": "Internet of Things",
    "Management and Governance": "Management and Governance", "Media": "Media", "Migration": "Migration",
    "Networking": "Networking", "Security": "Security", "Storage": "Storage", "Web": "Web",
}  # fmt: skip
_AI_METERS = ("Azure OpenAI", "Cognitive Services", "Azure Machine Learning", "Foundry Models", "Foundry Tools")
_SIGNATURE = {"costinbillingcurrency", "metercategory"}
_NEEDED = ("costinbillingcurrency", "metercategory", "chargetype", "date", "quantity")
_CURRENCY = ("billingcurrencycode", "billingcurrency")
_CARRIED = {
    "costinbillingcurrency", *_CURRENCY, "billingaccountname", "invoiceid", "subscriptionname", "metername", "meterid",
    "tags", "availabilityzone", "resourcename", "productname", "product",
}  # fmt: skip
_MONEY = ("costinbillingcurrency", "paygcostinbillingcurrency", "paygprice", "unitprice", "quantity")
_LIST = "list_cost"
_CONTRACTED = "contracted_cost"
_VIEW = "x_cost_view"
_DAY = r"(\d{1,2})/(\d{1,2})/(\d{4})"
_DATE, _FIRST, _LAST, _AMORTIZED = '"#date"', '"#first"', '"#last"', '"#amortized"'
_COMMITTED = ("Reservation", "SavingsPlan")
_UNUSED = ("UnusedReservation", "UnusedSavingsPlan")
# Azure writes its meters by hand and shortens them: "gpt-4o-0806-cchd-Inp-glbl", "gpt 4o 0513 Output global".
_TOKENS = (("(cached|cchd|cchg).*inp", "input_cache_read"), ("outp|output", "output"), ("inp", "input_uncached"))


class AzureCost:
    """Azure Cost Management export, actual or amortized, of an Enterprise or a Microsoft Customer Agreement."""

    name = "Azure cost export, actual or amortized (EA or MCA)"

    def recognises(self, file: TableFile) -> bool:
        """By the cost in the billing currency and the meter's category, in whatever case they are written."""
        return {name.lower() for name in file.names} >= _SIGNATURE

    def reading(self, file: TableFile) -> Reading:
        """Refuses an export that lacks what tells a charge's kind, cost, currency or day."""
        cells = Cells(file, str.lower)
        do = "Export it anew from Cost Management, with all columns."
        cells.require(_NEEDED, bill=self.name, do=do)
        if not any(name in cells for name in _CURRENCY):
            cells.require(_CURRENCY[:1], bill=self.name, do=do)
        rest = cells.rest(
            _CARRIED,
            {
                _VIEW: f"CASE WHEN {_AMORTIZED} THEN 'amortized' ELSE 'actual' END",
                "x_fx_rate": cells.text("exchangeratepricingtobilling", "exchangerate"),
                "x_fx_date": _day(cells.text("exchangeratedate")),
            },
        )
        computed = {
            _LIST: Computed(How.PRODUCT, (_price(cells, "paygprice"), cells.text("quantity"))),
            _CONTRACTED: Computed(How.PRODUCT, (_price(cells, "unitprice"), cells.text("quantity"))),
        }
        return Reading([Rows(_values(cells), rest, _with_days(cells))], cells.floating(_MONEY), computed, compared=True)

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """Tells which of the two datasets it is and what that leaves out; refuses the other one beside it."""
        _refuse_both(connection, file, number)
        view, committed, unlisted = connection.execute(
            f"SELECT min(json_extract_string(x_extra, '$.{_VIEW}')), "  # noqa: S608
            "count(*) FILTER (WHERE \"PricingCategory\" = 'Committed'), "
            'count(*) FILTER (WHERE "ListCost" IS NULL) FROM clean WHERE file = ?',
            [number],
        ).fetchall()[0]
        findings = []
        if committed and view == "amortized":
            text = (
                "amortized costs: what reservations and savings plans cover has its share of them as effective cost; "
                "their purchase is in the actual export alone, so the billed cost is less than the invoice"
            )
            findings.append(Finding(rule="azure-amortized", file=file.name, rows=committed, text=text))
        elif committed:
            text = (
                "actual costs: a reservation or savings plan costs in the month in which it is bought, and nothing "
                "where it is used; load the amortized export to see what things cost"
            )
            findings.append(Finding(rule="azure-actual", file=file.name, rows=committed, text=text))
        if unlisted:
            findings.append(list_cost_unknown(file, "PayGPrice", unlisted))
        return findings


def _refuse_both(connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> None:
    view = f"json_extract_string(x_extra, '$.{_VIEW}')"
    other = connection.execute(
        f'WITH seen AS (SELECT DISTINCT file, "BillingAccountId" AS account, "BillingPeriodStart" AS period, {view} '  # noqa: S608
        f"AS view FROM clean WHERE {view} IS NOT NULL AND \"PricingCategory\" = 'Committed') "
        "SELECT a.account, left(a.period, 7) FROM seen a JOIN seen b ON a.view <> b.view "
        "AND a.account IS NOT DISTINCT FROM b.account AND a.period IS NOT DISTINCT FROM b.period "
        "WHERE a.file = ? ORDER BY ALL LIMIT 1",
        [number],
    ).fetchone()
    if other:
        raise SourceConflict(
            f"{file.path} would count billing account {other[0]} twice in {other[1]}.",
            why="One of these files holds its actual costs, another its amortized costs: the same charges.",
            do="Load the amortized files for what things cost, or the actual ones for what is invoiced.",
        )


def _values(cells: Cells) -> dict[str, str]:
    text = cells.text
    publisher = f"coalesce({text('publishername')}, 'Microsoft')"
    account = f"lower({text('billingaccountid')})"
    return {
        **_costs(cells),
        **_kinds(cells),
        **_services(cells),
        "BillingAccountId": f"coalesce({account}, lower({text('billingprofileid')}))",
        "BillingAccountName": text("billingaccountname", "billingprofilename"),
        "BillingCurrency": text(*_CURRENCY),
        "BillingPeriodStart": f"coalesce({_FIRST}, {_month(_DATE)})",
        "BillingPeriodEnd": f"coalesce({_after(_LAST)}, {_month(_DATE, following=True)})",
        "ChargePeriodStart": _DATE,
        "ChargePeriodEnd": _after(_DATE),
        "ChargeDescription": text("productname", "product"),
        "InvoiceId": text("invoiceid"),
        "InvoiceIssuerName": f"coalesce({text('resellername')}, 'Microsoft')",
        "ProviderName": "'Microsoft'",
        "PublisherName": publisher,
        "AvailabilityZone": text("availabilityzone"),
        "RegionId": f"lower({text('resourcelocationnormalized', 'resourcelocation', 'location')})",
        "RegionName": text("location", "resourcelocation"),
        # Azure writes one id in several cases; only in one of them do charges of one resource meet.
        "ResourceId": f"lower({text('resourceid', 'instanceid')})",
        "ResourceName": f"coalesce({text('resourcename')}, "
        f"nullif(regexp_extract({text('resourceid', 'instanceid')}, '[^/]+$'), ''))",
        "ResourceType": f"nullif(lower(regexp_extract({text('resourceid', 'instanceid')}, "
        "'/providers/([^/]+/[^/]+)/', 1, 'i')), '')",
        "SkuId": text("partnumber", "productid"),
        "SkuMeter": text("metername"),
        "SkuPriceId": text("meterid"),
        "SkuPriceDetails": text("additionalinfo"),
        "SubAccountId": f"lower({text('subscriptionid', 'subscriptionguid')})",
        "SubAccountName": text("subscriptionname"),
        "SubAccountType": "'Subscription'",
        "Tags": text("tags"),
    }


def _with_days(cells: Cells) -> str:
    """SQL: the lines with what many values need, reckoned once a line: their days, and which dataset the file is."""
    days = ((_DATE, "date"), (_FIRST, "billingperiodstartdate"), (_LAST, "billingperiodenddate"))
    added = ", ".join(f"{_day(cells.text(name))} AS {column}" for column, name in days)
    return f"(SELECT *, {added}, {_amortized(cells)} AS {_AMORTIZED} FROM lines)"  # noqa: S608


def _amortized(cells: Cells) -> str:
    """SQL: whether the whole file tells amortized costs: a commitment's use costs something, or its unused part."""
    kind, model, cost = cells.text("chargetype"), cells.text("pricingmodel"), cells.text("costinbillingcurrency")
    costs = f"NOT regexp_full_match({cost}, '[+-]?0*([.]0*)?([eE].*)?')"
    unused = ", ".join(duck.text(name) for name in _UNUSED)
    committed = ", ".join(duck.text(name) for name in _COMMITTED)
    return (
        f"coalesce((SELECT bool_or({kind} IN ({unused}) "  # noqa: S608
        f"OR ({kind} = 'Usage' AND {model} IN ({committed}) AND {costs})) "
        f"FROM {from_table(cells.file)}), false)"
    )


def _costs(cells: Cells) -> dict[str, str]:
    cost = cells.text("costinbillingcurrency")
    committed = f"({_is_unused(cells)} OR ({_committed(cells)} AND {cells.text('chargetype')} = 'Usage'))"
    listed = _known(cells.text("paygcostinbillingcurrency"))
    return {
        # What a commitment covers was paid when the commitment was.
        "BilledCost": f"CASE WHEN {committed} AND {_AMORTIZED} THEN '0' ELSE {cost} END",
        "EffectiveCost": cost,
        "ListCost": f"CASE WHEN {_is_unused(cells)} THEN '0' ELSE coalesce({listed}, {column(_LIST)}) END",
        "ContractedCost": f"CASE WHEN {_is_unused(cells)} THEN '0' ELSE coalesce({column(_CONTRACTED)}, {cost}) END",
        "ListUnitPrice": f"CASE WHEN NOT {_is_unused(cells)} THEN {_price(cells, 'paygprice')} END",
        "ContractedUnitPrice": f"CASE WHEN NOT {_is_unused(cells)} THEN {_price(cells, 'unitprice')} END",
    }


def _kinds(cells: Cells) -> dict[str, str]:
    kind, model, frequency = cells.text("chargetype"), cells.text("pricingmodel"), cells.text("frequency")
    unused, committed = _is_unused(cells), f"({_committed(cells)} OR {_is_unused(cells)})"
    quantity, given = cells.text("quantity"), cells.text("unitofmeasure")
    unit = one_of(given, dict.fromkeys(("1 Hour", "1 Hours", "Hours"), "'Hours'"), otherwise=given)
    categories = {
        **dict.fromkeys(("Usage", *_UNUSED), "'Usage'"), "Purchase": "'Purchase'", "Tax": "'Tax'", "Credit": "'Credit'",
    }  # fmt: skip
    consumed = f"{kind} = 'Usage'"
    return {
        "ChargeCategory": one_of(kind, categories, otherwise="'Adjustment'"),
        "ChargeFrequency": one_of(
            frequency,
            {"OneTime": "'One-Time'", "Recurring": "'Recurring'", "UsageBased": "'Usage-Based'"},
            otherwise=f"CASE WHEN {consumed} OR {unused} THEN 'Usage-Based' ELSE 'One-Time' END",
        ),
        "PricingCategory": f"CASE WHEN {committed} THEN 'Committed' WHEN {model} = 'Spot' THEN 'Dynamic' "
        f"WHEN {kind} IN ('Usage', 'Purchase') THEN 'Standard' END",
        "CommitmentDiscountId": f"CASE WHEN {committed} THEN lower({cells.text('benefitid', 'reservationid')}) END",
        "CommitmentDiscountName": f"CASE WHEN {committed} THEN {cells.text('benefitname', 'reservationname')} END",
        "CommitmentDiscountCategory": f"CASE WHEN {_of_plan(cells)} THEN 'Spend' WHEN {committed} THEN 'Usage' END",
        "CommitmentDiscountType": f"CASE WHEN {_of_plan(cells)} THEN 'Savings Plan' "
        f"WHEN {committed} THEN 'Reservation' END",
        "CommitmentDiscountStatus": f"CASE WHEN {unused} THEN 'Unused' WHEN {committed} AND {consumed} THEN 'Used' END",
        "PricingQuantity": f"CASE WHEN NOT {unused} THEN {quantity} END",
        "PricingUnit": f"CASE WHEN NOT {unused} THEN {unit} END",
        "ConsumedQuantity": f"CASE WHEN {consumed} THEN {quantity} END",
        "ConsumedUnit": f"CASE WHEN {consumed} THEN {unit} END",
        "PricingCurrency": cells.text("pricingcurrency", "pricingcurrencycode"),
    }


def _is_unused(cells: Cells) -> str:
    return f"{cells.text('chargetype')} IN ({', '.join(duck.text(kind) for kind in _UNUSED)})"


def _committed(cells: Cells) -> str:
    return f"coalesce({cells.text('pricingmodel')} IN ({', '.join(duck.text(model) for model in _COMMITTED)}), false)"


def _of_plan(cells: Cells) -> str:
    return f"({cells.text('pricingmodel')} = 'SavingsPlan' OR {cells.text('chargetype')} = 'UnusedSavingsPlan')"


def _services(cells: Cells) -> dict[str, str]:
    category, family = cells.text("metercategory"), cells.text("servicefamily")
    meter = f"concat_ws(' ', {cells.text('metersubcategory')}, {cells.text('metername')})"
    known = {family_name: duck.text(name) for family_name, name in CATEGORIES.items()}
    ai_meters = ", ".join(duck.text(name) for name in _AI_METERS)
    is_ai = f"coalesce({category} IN ({ai_meters}), false)"
    tokens = " ".join(f"WHEN regexp_matches({meter}, '{pattern}', 'i') THEN '{name}'" for pattern, name in _TOKENS)
    spoken = f"{is_ai} AND regexp_matches({meter}, 'gpt|o[1-4][ -]|token|embedding', 'i')"
    return {
        "ServiceCategory": f"CASE WHEN {is_ai} THEN '{AI}' "
        f"ELSE {one_of(family, known, otherwise=_by_name(category))} END",
        # A Marketplace charge of an Enterprise Agreement has no category; its publisher says whose it is.
        "ServiceName": f"coalesce({category}, {cells.text('metersubcategory')}, {cells.text('publishername')})",
        "ServiceSubcategory": f"CASE WHEN {spoken} THEN 'Generative AI' END",
        "x_token_class": f"CASE WHEN {spoken} THEN CASE {tokens} END END",
    }


def _by_name(category: str) -> str:
    machines = {"Virtual Machines": "'Compute'", "Storage": "'Storage'", "Bandwidth": "'Networking'"}
    return one_of(category, machines, otherwise="'Other'")


def _known(amount: str) -> str:
    """SQL: the amount, and none for the zero with which Azure says that it does not know one."""
    return f"CASE WHEN NOT regexp_full_match({amount}, '[+-]?0*([.]0*)?([eE].*)?') THEN {amount} END"


def _price(cells: Cells, name: str) -> str:
    """SQL: a unit price; none where it is in a pricing currency that is not the one billed in."""
    pricing = cells.text("pricingcurrency", "pricingcurrencycode")
    same = f"coalesce(upper({pricing}) = upper({cells.text(*_CURRENCY)}), true)"
    return f"CASE WHEN {same} THEN {_known(cells.text(name))} END"


def _day(value: str) -> str:
    """SQL: the first moment of a day that Azure writes as month/day/year or in ISO 8601; others stay as written."""
    american = (
        f"regexp_extract({value}, '{_DAY}', 3) || '-' || lpad(regexp_extract({value}, '{_DAY}', 1), 2, '0') || '-' || "
        f"lpad(regexp_extract({value}, '{_DAY}', 2), 2, '0') || 'T00:00:00Z'"
    )
    iso = rf"regexp_full_match({value}, '\d{{4}}-\d{{2}}-\d{{2}}')"
    return (
        f"CASE WHEN regexp_full_match({value}, '{_DAY}') THEN {american} "
        f"WHEN {iso} THEN {value} || 'T00:00:00Z' ELSE {in_utc(value)} END"
    )


def _after(start: str) -> str:
    """SQL: the first moment after a day of `_day`; a text that is no day is left as written, to be judged later."""
    following = f"TRY_CAST(left({start}, 10) AS DATE) + 1"
    return f"coalesce(strftime({following}, '%Y-%m-%dT00:00:00Z'), {start})"


def _month(day: str, *, following: bool = False) -> str:
    moment = f"date_trunc('month', TRY_CAST(left({day}, 10) AS DATE))"
    moved = f"{moment} + INTERVAL 1 MONTH" if following else moment
    return f"strftime({moved}, '%Y-%m-%dT00:00:00Z')"
