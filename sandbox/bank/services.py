"""Everything on the bill that is neither a machine nor a token: how one row of the platform tables becomes a series."""

from typing import NamedTuple

import numpy as np

from sandbox.bank.line import Book, Line, micros, usage
from sandbox.bank.organisation import ACCOUNTS, AWS, USE_CASE_TEAMS, Provider, tags

Kind = tuple[str, str, str]


class Service(NamedTuple):
    """One series: `daily` is its list cost in dollars a plain day at the end of the bill.

    `resource` is the provider's id with `{account}` and `{region}` in it; empty where the provider bills an account
    as a whole. `jobs` is the share of days on which anything runs at all (training comes in jobs, not in streams).
    """

    provider: Provider
    account: str
    region: str
    kind: Kind
    meter: str
    unit: str
    price: str
    daily: float
    team: str = ""
    shape: str = "steady"
    growth: float = 0.08
    sigma: float = 0.03
    earnings: float = 0.0
    environment: str = "production"
    use_case: str = ""
    workload: str = ""
    resource: str = ""
    resource_type: str = ""
    name: str = ""
    hourly: bool = False
    jobs: float = 1.0
    tagged: bool = True
    since: int = 0
    details: tuple[tuple[str, str | int], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.provider.folder}/{self.account}/{self.region}/{self.kind[0]}/{self.meter}/{self.label}"

    @property
    def label(self) -> str:
        return self.name or f"{self.owning_team}/{self.environment}"

    @property
    def owning_team(self) -> str:
        return self.team or USE_CASE_TEAMS[self.use_case]


def add_services(book: Book, services: tuple[Service, ...]) -> None:
    """Each service as a daily series; `hourly` ones run whole hours and hardly vary."""
    calendar = book.calendar
    for service in services:
        line = service_line(service)
        units = service.daily / float(service.price)
        if service.hourly:
            values = np.full(calendar.length, round(units / 24.0) * 24.0)
            values = np.where(calendar.growth(service.growth) > 0.72, values, np.maximum(values - 24.0, 24.0))
        else:
            values = units * calendar.shape(service.shape, earnings=service.earnings)
            values = values * calendar.growth(service.growth) * calendar.noise(service.key, service.sigma)
        if service.jobs < 1.0:
            values = np.where(
                calendar.rng(f"jobs/{service.key}").random(calendar.length) < service.jobs, values / service.jobs, 0.0
            )
        if service.since:
            values = np.where(np.arange(calendar.length) >= calendar.length - service.since, values, 0.0)
        book.add(line, values, step=1000 if micros(service.price) > 10_000 else 1)


def service_line(service: Service) -> Line:
    """The bill's line of one ordinary service, a row a day."""
    account = ACCOUNTS[service.account]
    resource = service.resource.format(account=account.id, region=service.region) if service.resource else ""
    given = tags(
        service.owning_team, service.environment, use_case=service.use_case, workload=service.workload
    )  # fmt: skip
    return usage(
        service.provider,
        account,
        key=service.key,
        service=service.kind,
        meter=service.meter,
        unit=service.unit,
        price=service.price,
        region=service.region,
        resource_id=resource if service.provider is AWS else resource.lower(),
        resource_name=service.name if resource else "",
        resource_type=service.resource_type,
        tags=given if service.tagged else {},
        workload=service.workload,
        details=dict(service.details),
    )
