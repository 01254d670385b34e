"""The rules that judge single resources of the bill, run over all that the speaker may see.

Beside `savings.py`, which judges machines by their utilisation: what is judged here shows in the bill's own meters.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from lake.inventory import kept
from lake.meter_expressions import GROUP_NAME, GROUP_TAG
from lake.metered import Metered
from lake.period import Period
from lake.resources import last_billed, resources, scaling_groups, tags_of
from lake.usage import BYTES_PER_MB, Highs, Utilisation, highs, measured, measured_hours
from tools.desk import Desk
from tools.detection.contributions import EXACT
from tools.endpoint_use import with_endpoints
from tools.gateway_rules import judged_keys
from tools.key_rules import judged_access_keys
from tools.model_rules import judged_models
from tools.namesakes import namesakes
from tools.opportunity import Opportunity
from tools.project_rules import judged_projects
from tools.rules import idle_endpoint, idle_machine, long_stopped, off_hours, old_disk, old_snapshot, unused_throughput
from tools.rules.catalogue import BILL_RULES, GROUP_RULES, IDS
from tools.rules.evidence import Verdict
from tools.rules.judged import GroupHour, Load, Look, MachineHour, Use
from tools.rules.machine import INSTANCE

HOLIDAY = "holiday"
"""how a calendar names a day on which nobody works"""


@dataclass(frozen=True)
class Judged:
    """All resources of the look-back that a rule is about, and where they were read; uses of models are among them.

    `unmeasured` are the machines without GPUs of which nothing was measured, `uncounted` the endpoints whose calls were
    not counted: whether they are idle is unknown. `unlisted` are the disks and snapshots of accounts and regions of
    which there is no list. `uses` says how many uses of language models there are.
    """

    period: Period
    found: tuple[Opportunity, ...]
    query: str
    snapshots: tuple[str, ...]
    unmeasured: tuple[Metered, ...] = ()
    uncounted: tuple[Metered, ...] = ()
    unlisted: tuple[Metered, ...] = ()
    uses: int = 0

    def saving(self) -> list[Opportunity]:
        """Those with something to save, largest first."""
        mine = [one for one in self.found if one.verdict.saves]
        return sorted(mine, key=lambda one: (-one.cash, one.resource.resource_id))

    def unknown(self) -> list[Opportunity]:
        """Those about which too little is known."""
        return [one for one in self.found if one.verdict == Verdict.UNKNOWN]


def judged(desk: Desk) -> Judged:
    """Every resource, use of a model, project and key of a gateway that a rule is about, each over the last days that
    its bill, or the gateway's log, reaches."""
    own, models = _by_resource(desk), judged_models(desk)
    return replace(
        own,
        found=(*own.found, *models.found, *judged_keys(desk), *judged_projects(desk), *judged_access_keys(desk)),
        query=";\n".join(query for query in (own.query, models.query) if query),
        snapshots=tuple(dict.fromkeys((*own.snapshots, *models.snapshots))),
        uses=models.uses,
    )


def _by_resource(desk: Desk) -> Judged:
    limits = desk.thresholds
    days = timedelta(days=limits.look_back_days)
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    wide = Period(reach.start - days, reach.end)
    last = last_billed(desk.lake, wide, ids=IDS, teams_seen=desk.scope)
    if last is None:
        return Judged(wide, (), "", ())
    period = Period(last + timedelta(days=1) - days, last + timedelta(days=1))
    read = resources(desk.lake, period, ids=IDS, teams_seen=desk.scope)
    watched = (INSTANCE, idle_endpoint.ENDPOINT, unused_throughput.THROUGHPUT)
    machines = [one.resource_id for one in read.found if any(kind.search(one.resource_id) for kind in watched)]
    start, end = (datetime.combine(day, time(), UTC) for day in (period.start, period.end))
    uses = {name: _use(one) for name, one in measured(desk.lake, machines, start=start, end=end).items()}
    instances = [name for name in machines if INSTANCE.search(name)]
    rose = highs(desk.lake, instances, start=start, end=end, percentile=limits.rightsize.percentile)
    look = Look(
        days=limits.look_back_days,
        last_day=last,
        now=desk.now,
        limits=limits,
        disk_prices=_disk_prices(read.found),
        uses=uses,
        loads={name: _load(one) for name, one in rose.items()},
        book=desk.prices,
        inventories={(one.account, one.region): one for one in kept(desk.lake.store.folder)},
    )
    read_groups = scaling_groups(desk.lake, period, teams_seen=desk.scope)
    look = _with_office_hours(desk, look, read.found, period)
    groups = [one.resource_id for one in read_groups.found]
    told = _groups(desk, groups, start=start, end=end)
    look = replace(look, groups=told, namesakes=_namesakes(desk, groups, period))
    look = with_endpoints(desk, look, read.found, period)
    found = [
        Opportunity(one, said, period)
        for resources_read, rules in ((read.found, BILL_RULES), (read_groups.found, GROUP_RULES))
        for one in resources_read
        for rule in rules
        if (said := rule(one, look)) is not None
    ]
    found += _stopped(desk, look, read.found, period)
    unmeasured = tuple(one for one in read.found if idle_machine.concerns(one, look) and one.resource_id not in uses)
    judged_endpoints = {one.resource.resource_id for one in found if one.judged.form is idle_endpoint.FORM}
    uncounted = tuple(
        one for one in read.found if idle_endpoint.concerns(one, look) and one.resource_id not in judged_endpoints
    )
    kinds = (old_disk.VOLUME, old_snapshot.SNAPSHOT)
    unlisted = tuple(
        one
        for one in read.found
        if any(kind.search(one.resource_id) for kind in kinds) and (one.account, one.region) not in look.inventories
    )
    query = ";\n".join(query for query in (read.query, read_groups.query) if query)
    return Judged(period, tuple(found), query, tuple(read.snapshots), unmeasured, uncounted, unlisted)


def _stopped(desk: Desk, look: Look, found: Iterable[Metered], period: Period) -> Iterator[Opportunity]:
    """Stopped machines of the lists: on the bill are only their disks."""
    for one in long_stopped.stopped_machines(look.inventories.values(), found, teams_seen=desk.scope):
        if (said := long_stopped.judge(one, look)) is not None:
            yield Opportunity(one.resource, said, period)


def _with_office_hours(desk: Desk, look: Look, found: Iterable[Metered], period: Period) -> Look:
    """What the rule of working hours needs besides: machines for development hour by hour, their tags, holidays."""
    ids = [
        one.resource_id
        for one in found
        if INSTANCE.search(one.resource_id) and one.environment.lower() in off_hours.DEVELOPMENT
    ]
    if not ids:
        return look
    start, end = (datetime.combine(day, time(), UTC) for day in (period.start, period.end))
    told: dict[str, list[MachineHour]] = {}
    for one in measured_hours(desk.lake, ids, start=start, end=end):
        network = None if one.network_bytes is None else EXACT.divide(Decimal(one.network_bytes), BYTES_PER_MB)
        hour = MachineHour(one.hour, one.cpu_max_pct, network, one.gpu_active_pct)
        told.setdefault(one.resource_id, []).append(hour)
    keys = (GROUP_TAG, *look.limits.off_hours.opt_out_tags)
    return replace(
        look,
        machine_hours={name: tuple(listed) for name, listed in told.items()},
        tags=tags_of(desk.lake, period, keys, ids=INSTANCE.pattern, teams_seen=desk.scope),
        group_tag=GROUP_TAG,
        holidays=frozenset(day for day, kinds in desk.calendar.days.items() if HOLIDAY in kinds),
    )


def _groups(desk: Desk, ids: list[str], *, start: datetime, end: datetime) -> dict[str, tuple[GroupHour, ...]]:
    """What was measured of these scaling groups, hour by hour; without groups nothing is read."""
    told: dict[str, list[GroupHour]] = {}
    for one in measured_hours(desk.lake, ids, start=start, end=end) if ids else ():
        hour = GroupHour(one.hour, one.cpu_avg_pct, one.group_min, one.group_in_service)
        told.setdefault(one.resource_id, []).append(hour)
    return {name: tuple(listed) for name, listed in told.items()}


def _namesakes(desk: Desk, ids: list[str], period: Period) -> frozenset[str]:
    """Those of these scaling groups whose name another one bears, whoever may see that one: CloudWatch tells them by
    their names alone."""
    if not ids:
        return frozenset()
    return namesakes(ids, (one.resource_id for one in scaling_groups(desk.lake, period).found), _name_of)


def _name_of(group: str) -> str:
    return group.partition(GROUP_NAME)[2]


def _use(told: Utilisation) -> Use:
    return Use(
        cpu_max_percent=told.cpu_max_percent,
        network_mb_per_day=told.network_mb_per_day,
        metric_hours=told.plain_hours,
        last_metric_at=told.last_plain_at,
        invocations=told.invocations,
        invocation_hours=told.hours["invocations"],
        last_invocations_at=told.last_invocations_at,
    )


def _load(told: Highs) -> Load:
    loaded = ("cpu_max_pct", "memory_pct", "gpu_active_pct", "gpu_memory_pct")  # an encoder's gaps say nothing of these
    return Load(
        cpu_percent=told.percent.get("cpu_max_pct"),
        memory_percent=told.percent.get("memory_pct"),
        gpu_percent=told.percent.get("gpu_active_pct"),
        gpu_memory_percent=told.percent.get("gpu_memory_pct"),
        hours=min((told.hours[name] for name in loaded if name in told.percent), default=0),
        last_at=told.last_at,
    )


def _disk_prices(found: Iterable[Metered]) -> dict[tuple[str, str, str], Decimal]:
    """What a GB-month of each type of disk costs at list price in each region, as this bill shows it."""
    prices: dict[tuple[str, str, str], Decimal] = {}
    for one in found:
        for meter in one.meters:
            kind = old_disk.type_of(meter)
            if kind and meter.quantity > 0 and meter.list_cost:
                price = EXACT.divide(meter.list_cost, meter.quantity)
                known = prices.get((one.currency, one.region, kind))
                prices[one.currency, one.region, kind] = price if known is None else max(known, price)
    return prices
