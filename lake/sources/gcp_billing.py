"""Google Cloud's billing export from BigQuery, standard or detailed, as Parquet with its structs or as JSON lines.

A line has a cost and a list of credits. The credits become charges of their own, so that nothing is netted away
unseen: the net cost of a line is its charge and its credits together. The billing period is the invoice's month, which
Google reckons in Pacific time; the hours of use are UTC.
"""

import duckdb

from lake import duck
from lake.report import Finding
from lake.sources.cells import Cells, as_json, in_utc, one_of
from lake.sources.port import LINE, Reading, Rows, list_cost_unknown
from lake.sources.table_file import TableFile

AI = "AI and Machine Learning"
ZONE = "America/Los_Angeles"
CATEGORIES = {
    AI: (
        "Vertex AI", "Gemini API", "Cloud Machine Learning Engine", "Cloud Natural Language", "Cloud Speech API",
        "Cloud Vision API", "Cloud Translation", "Cloud Dialogflow API", "Cloud Document AI API", "Cloud TPU",
        "Generative Language API", "Cloud AI Platform", "Vertex AI Search",
    ),
    "Compute": (
        "Compute Engine", "Kubernetes Engine", "Cloud Run", "Cloud Functions", "Cloud Run Functions",
        "App Engine",
    ),
    "Storage": ("Cloud Storage", "Cloud Filestore", "Artifact Registry", "Backup and DR Service"),
    "Databases": (
        "Cloud SQL", "Cloud Spanner", "Cloud Bigtable", "Cloud Firestore", "AlloyDB",
        "Cloud Memorystore for Redis",
    ),
    "Networking": ("Networking", "Cloud DNS", "Cloud CDN", "Cloud VPN"),
    "Analytics": ("BigQuery", "BigQuery Storage API", "BigQuery Reservation API", "Cloud Dataflow", "Cloud Dataproc"),
    "Integration": ("Cloud Pub/Sub", "Cloud Tasks", "Cloud Scheduler", "Workflows"),
    "Management and Governance": ("Cloud Logging", "Cloud Monitoring", "Stackdriver Logging", "Support"),
    "Security": ("Secret Manager", "Cloud Key Management Service (KMS)", "Security Command Center", "Cloud Armor"),
}  # fmt: skip
_SIGNATURE = (("service", "description"), ("sku", "description"), ("invoice", "month"))
_NEEDED = ("cost", "currency", "usage_start_time", "usage_end_time", "billing_account_id")
_CARRIED = ("billing_account_id", "cost", "currency", "usage_start_time", "usage_end_time", "cost_at_list")
_MONEY = ("cost", "cost_at_list")
# What is bought in advance is sold as a product of its own.
_COMMITMENT = "^Commitment"
_TOKENS = (
    ("cach(ed|ing).*input|input.*cach", "input_cache_read"),
    ("audio input", "audio_in"),
    ("audio output", "audio_out"),
    ("image input", "image_in"),
    ("image output", "image_out"),
    ("output", "output"),
    ("input", "input_uncached"),
)
_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,4})?"
_CREDIT = '"#credit"'


class GcpBilling:
    """Google Cloud billing export, standard or detailed."""

    name = "Google Cloud billing export, standard or detailed (Parquet or JSON lines)"

    def recognises(self, file: TableFile) -> bool:
        """By the service, the SKU and the invoice, as structs or as columns with dotted names."""
        names = {name.lower() for name in file.names}
        return all(group in names or f"{group}.{member}" in names for group, member in _SIGNATURE)

    def reading(self, file: TableFile) -> Reading:
        """Refuses an export that lacks what tells a charge's cost, currency, hours or payer."""
        cells = Cells(file, str.lower)
        cells.require(_NEEDED, bill=self.name, do="Export the whole table, with all its columns.")
        values = _values(cells)
        rows = [Rows(values, rest=cells.rest(_CARRIED))]
        if "credits" in cells:
            rows.append(_credits(cells, values))
        return Reading(rows, cells.floating(_MONEY))

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """Tells of what is bought in advance, which the export does not spread over its use."""
        bought, unlisted = connection.execute(
            "SELECT count(*) FILTER (WHERE \"ChargeCategory\" = 'Purchase' AND \"PricingCategory\" = 'Committed'), "
            'count(*) FILTER (WHERE "ListCost" IS NULL) FROM clean WHERE file = ?',
            [number],
        ).fetchall()[0]
        findings = []
        if bought:
            text = (
                "commitments cost when they are charged, and what they cover is credited: the export does not spread "
                "their fee over the use, so the effective cost of one machine leaves it out"
            )
            findings.append(Finding(rule="gcp-commitment", file=file.name, rows=bought, text=text))
        if unlisted:
            findings.append(list_cost_unknown(file, "cost_at_list", unlisted))
        return findings


def _at(cells: Cells, group: str, member: str) -> str:
    dotted = f"{group}.{member}"
    return cells.text(dotted) if dotted in cells else cells.member(group, member)


def _values(cells: Cells) -> dict[str, str]:
    month = _at(cells, "invoice", "month")
    return {
        **_costs(cells),
        **_kinds(cells),
        **_services(cells),
        "BillingAccountId": cells.text("billing_account_id"),
        "BillingAccountType": "'Billing account'",
        "BillingCurrency": cells.text("currency"),
        "BillingPeriodStart": _month(month, "0"),
        "BillingPeriodEnd": _month(month, "1"),
        "ChargePeriodStart": in_utc(cells.text("usage_start_time")),
        "ChargePeriodEnd": in_utc(cells.text("usage_end_time")),
        "ChargeDescription": _at(cells, "sku", "description"),
        "InvoiceIssuerName": "'Google Cloud'",
        "ProviderName": "'Google Cloud'",
        "PublisherName": f"coalesce({cells.text('seller_name')}, 'Google Cloud')",
        "AvailabilityZone": _at(cells, "location", "zone"),
        "RegionId": _at(cells, "location", "region"),
        "RegionName": _at(cells, "location", "location"),
        "ResourceId": _at(cells, "resource", "global_name"),
        "ResourceName": _at(cells, "resource", "name"),
        "SkuId": _at(cells, "sku", "id"),
        "SkuMeter": _at(cells, "sku", "description"),
        "SubAccountId": _at(cells, "project", "id"),
        "SubAccountName": _at(cells, "project", "name"),
        "SubAccountType": "'Project'",
        "Tags": _tags(cells),
    }


def _costs(cells: Cells) -> dict[str, str]:
    given = cells.json("credits")
    cost = cells.text("cost")
    # A charge whose credits cannot be read must not be counted without them.
    whole = (
        f"CASE WHEN {given} IS NOT NULL AND NOT {_is_list(given)} THEN 'credits ' || left({given}, 30) ELSE {cost} END"
    )
    return {
        "BilledCost": whole,
        "EffectiveCost": whole,
        "ContractedCost": cost,
        "ListCost": cells.text("cost_at_list"),
        "ListUnitPrice": _at(cells, "price", "list_price"),
        "ContractedUnitPrice": _at(cells, "price", "effective_price"),
    }


def _kinds(cells: Cells) -> dict[str, str]:
    kind, sku = cells.text("cost_type"), _at(cells, "sku", "description")
    committed = f"coalesce(regexp_matches({sku}, '{_COMMITMENT}'), false)"
    used = f"(coalesce({kind}, 'regular') = 'regular' AND NOT {committed})"
    preemptible = f"coalesce(regexp_matches({sku}, '^(Spot |.*Preemptible)'), false)"
    start = f"left({cells.text('usage_start_time')}, 7)"
    month = _at(cells, "invoice", "month")
    return {
        "ChargeCategory": f"CASE WHEN {used} THEN 'Usage' WHEN coalesce({kind}, 'regular') = 'regular' THEN 'Purchase' "
        f"WHEN {kind} = 'tax' THEN 'Tax' ELSE 'Adjustment' END",
        "ChargeClass": f"CASE WHEN {kind} = 'adjustment' AND replace({start}, '-', '') < {month} THEN 'Correction' END",
        "ChargeFrequency": f"CASE WHEN {used} THEN 'Usage-Based' WHEN {committed} THEN 'Recurring' ELSE 'One-Time' END",
        "PricingCategory": f"CASE WHEN {committed} THEN 'Committed' WHEN {used} AND {preemptible} THEN 'Dynamic' "
        f"WHEN {used} THEN 'Standard' END",
        "PricingQuantity": _at(cells, "usage", "amount_in_pricing_units"),
        "PricingUnit": _at(cells, "usage", "pricing_unit"),
        "ConsumedQuantity": f"CASE WHEN {used} THEN {_at(cells, 'usage', 'amount')} END",
        "ConsumedUnit": f"CASE WHEN {used} THEN {_at(cells, 'usage', 'unit')} END",
    }


def _services(cells: Cells) -> dict[str, str]:
    service, sku = _at(cells, "service", "description"), _at(cells, "sku", "description")
    known = {name: duck.text(category) for category, names in CATEGORIES.items() for name in names}
    spoken = f"coalesce(regexp_matches({sku}, 'gemini|claude|llama|mistral|token', 'i'), false)"
    tokens = " ".join(f"WHEN regexp_matches({sku}, '{pattern}', 'i') THEN '{name}'" for pattern, name in _TOKENS)
    model = f"nullif(regexp_extract({sku}, '(Gemini [0-9.]+(?: (?:Pro|Flash|Ultra|Nano|Lite))*)', 1), '')"
    return {
        "ServiceName": service,
        "ServiceCategory": one_of(service, known, otherwise="'Other'"),
        "ServiceSubcategory": f"CASE WHEN {spoken} AND {one_of(service, known, otherwise=duck.text('Other'))} = '{AI}' "
        "THEN 'Generative AI' END",
        "x_model": f"replace(lower({model}), ' ', '-')",
        "x_token_class": f"CASE WHEN {spoken} THEN CASE {tokens} END END",
    }


def _credits(cells: Cells, values: dict[str, str]) -> Rows:
    given = cells.json("credits")
    cost, given_amount = cells.text("cost"), f"json_extract_string({_CREDIT}, '$.amount')"
    # A charge that is held back holds its credits back too: alone they would make everything look cheaper.
    amount = f"CASE WHEN regexp_full_match({cost}, '{_NUMBER}') THEN {given_amount} ELSE 'credit of ' || {cost} END"
    named = f"coalesce(json_extract_string({_CREDIT}, '$.full_name'), json_extract_string({_CREDIT}, '$.name'))"
    listed = f"CASE WHEN {_is_list(given)} THEN from_json({_elements(given)}, '[\"JSON\"]') END"
    changed = {
        "BilledCost": amount,
        "EffectiveCost": amount,
        # A credit changes what is paid and not what the contract or the list says it costs.
        "ContractedCost": "'0'",
        "ListCost": "'0'",
        "ChargeCategory": "'Credit'",
        "ChargeClass": "NULL",
        "ChargeFrequency": "'One-Time'",
        "ChargeDescription": named,
        "PricingCategory": "NULL",
        **dict.fromkeys(("PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit"), "NULL"),
        **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), "NULL"),
    }
    rest = as_json([("x_split_from_row", f"CAST({LINE} AS VARCHAR)"), ("credit", f"CAST({_CREDIT} AS VARCHAR)")])
    relation = f"(SELECT *, unnest({listed}) AS {_CREDIT} FROM lines)"  # noqa: S608
    text = "credits of the file's lines are charges of their own; the net cost of a line is its charge and its credits"
    return Rows(values | changed, rest, relation, told=("credits-split", text))


def _is_list(given: str) -> str:
    return f"coalesce(json_type({_elements(given)}) = 'ARRAY', false)"


def _elements(given: str) -> str:
    """SQL: the list as JSON; BigQuery's Parquet wraps each list and each of its elements in a struct."""
    # Not every branch of an expression waits for the one before it, so only JSON goes on from here.
    valid = f"CASE WHEN json_valid({given}) THEN {given} END"
    wrapped = f"json_extract({valid}, '$.list[*].element')"
    return f"CASE WHEN json_type({valid}) = 'OBJECT' THEN to_json({wrapped}) ELSE CAST({valid} AS JSON) END"


def _tags(cells: Cells) -> str:
    project = (
        f"json_extract(CASE WHEN json_valid({cells.json('project')}) THEN {cells.json('project')} END, '$.labels')"
    )
    parts = [_label_map(part) for part in (f"CAST({project} AS VARCHAR)", cells.json("labels"))]
    # A label of the resource says more than one of its project.
    merged = f"json_merge_patch(coalesce({parts[0]}, '{{}}'), coalesce({parts[1]}, '{{}}'))"
    return f"nullif(CAST({merged} AS VARCHAR), '{{}}')"


def _label_map(given: str) -> str:
    pairs = f'from_json({_elements(given)}, \'[{{"key":"VARCHAR","value":"VARCHAR"}}]\')'
    keys = f"list_transform({pairs}, lambda pair: pair.key)"
    once = f"list_filter({pairs}, lambda pair, i: pair.key IS NOT NULL AND list_position({keys}, pair.key) = i)"
    return f"CASE WHEN {_is_list(given)} THEN to_json(map_from_entries({once})) END"


def _month(month: str, later: str) -> str:
    """SQL: the first moment of an invoice's month (`202610`), or of the `later` one, in Google's time zone."""
    first = f"strptime({month} || '01', '%Y%m%d') + INTERVAL {later} MONTH"
    moment = f"timezone('UTC', timezone('{ZONE}', {first}))"
    is_month = f"regexp_full_match({month}, '[0-9]{{4}}(0[1-9]|1[0-2])')"
    return f"CASE WHEN {is_month} THEN strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') ELSE {month} END"
