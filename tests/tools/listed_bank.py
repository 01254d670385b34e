"""The inventories of a bank, listed of the sandbox's AWS by the real source, and kept as weekly lists would be."""

from dataclasses import replace
from datetime import datetime, timedelta

from approvals.executors.aws import aws_clients
from lake.engine import Lake
from lake.inventory import keep
from lake.sources.ec2_inventory import listed
from sandbox.aws.seed import access_key
from sandbox.aws.serve import ServedAws
from sandbox.bank.waste_inventory import REGION

WEEKS = 5


def list_bank(lake: Lake, aws: ServedAws, *, now: datetime) -> None:
    """One list of each account, kept as that of today and of the weeks before, of what was made by then."""
    for account in aws.seeded.accounts:
        clients = aws_clients(endpoint_url=aws.address, access_key=access_key(account), secret_key="any")
        seen = listed(clients(account, REGION, "ec2"), account=account, region=REGION, now=now)
        for weeks in range(WEEKS, -1, -1):
            at = now - timedelta(weeks=weeks)
            disks = tuple(one for one in seen.disks if one.created_at <= at)
            keep(lake.store.folder, replace(seen, loaded_at=at, disks=disks))
