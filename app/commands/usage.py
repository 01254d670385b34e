"""`spendgate usage`: hourly usage from CloudWatch, access keys from IAM, and what stands in EC2."""

from datetime import date, datetime

from app.commands.console import hint, print_json
from app.commands.here import place
from app.intake import take_in
from app.progress import bar
from lake import inventory as inventories
from lake.access_keys import KeyList, keep
from lake.engine import Lake
from lake.errors import LakeError
from lake.report import IngestReport
from lake.sources import ec2_inventory
from lake.sources.aws_client import client, told
from lake.sources.cloudwatch import CloudWatch
from lake.sources.iam_keys import listed
from lake.usage_pull import Pulled
from lake.usage_pull import pull as pull_usage


def pull(*, region: str | None, since: date | None, as_json: bool) -> None:
    """Pulls one account and region, those of the credentials that AWS's own tools would use here."""
    here = place("sources")
    watch, account = client("cloudwatch", region=region), _account(region)
    folder = here.home.folder / "sources" / "cloudwatch" / f"{account}-{watch.meta.region_name}"
    pulled: list[Pulled] = []

    def load(now: datetime) -> IngestReport:
        pulled.append(pull_usage(Lake(here.home.lake), CloudWatch(watch), folder=folder, now=now, since=since))
        return pulled[0].report

    with bar(as_json=as_json):
        take_in(here.engine, load)  # usage is evidence for a saving: who changed it stands in the log
    (done,) = pulled
    if as_json:
        print_json(
            {
                "account": account,
                "region": watch.meta.region_name,
                "from": done.start,
                "to": done.end,
                "resources": done.resources,
                "hours": done.hours,
                "unreadable": done.unreadable,
            }
        )
        return
    hint(
        f"{_many(done.hours, 'hour')} of {_many(done.resources, 'resource')} loaded, from {done.start:%Y-%m-%d %H:%M} "
        f"to {done.end:%Y-%m-%d %H:%M} UTC (account {account}, {watch.meta.region_name})."
    )
    if not done.resources:
        hint("Nothing that is known is measured there; machines without metrics stay unknown, not idle.")
    if done.unreadable:
        hint(f"CloudWatch could not read {done.unreadable} metrics; their hours stay unknown.")


def keys(*, as_json: bool) -> None:
    """Lists one account's access keys, those of the credentials that AWS's own tools would use here, and keeps them."""
    here = place("sources")
    account, found = _account("us-east-1"), list[KeyList]()

    def load(now: datetime) -> IngestReport:
        found.append(listed(client("iam", region="us-east-1"), account=account, now=now))
        keep(here.home.lake, found[0])
        return _NOTHING_BILLED

    take_in(here.engine, load)
    (done,) = found
    active = sum(one.active for one in done.keys)
    if as_json:
        print_json({"account": account, "keys": len(done.keys), "active": active, "listed_at": done.loaded_at})
        return
    hint(f"{_many(len(done.keys), 'access key')} of account {account} listed, {active:,} of them active.")


def inventory(*, region: str | None, as_json: bool) -> None:
    """Lists one account and region, those of the credentials that AWS's own tools would use, and keeps the list."""
    here = place("sources")
    ec2, account = client("ec2", region=region), _account(region)
    found: list[inventories.Inventory] = []

    def load(now: datetime) -> IngestReport:
        seen = ec2_inventory.listed(ec2, account=account, region=ec2.meta.region_name, now=now)
        found.append(inventories.keep(here.home.lake, seen))
        return _NOTHING_BILLED

    take_in(here.engine, load)  # a list is evidence for a deletion: who brought it stands in the log
    (done,) = found
    stopped = sum(one.state == "stopped" for one in done.machines)
    unattached = sum(one.unattached for one in done.disks)
    if as_json:
        print_json(
            {
                "account": account,
                "region": done.region,
                "machines": len(done.machines),
                "stopped": stopped,
                "disks": len(done.disks),
                "unattached": unattached,
                "snapshots": len(done.snapshots),
                "images": len(done.images),
                "listed_at": done.loaded_at,
            }
        )
        return
    hint(
        f"{_many(len(done.machines), 'machine')} ({stopped:,} stopped), {_many(len(done.disks), 'disk')} "
        f"({unattached:,} unattached), {_many(len(done.snapshots), 'snapshot')} and "
        f"{_many(len(done.images), 'image')} of account {account} listed in {done.region}."
    )
    if unattached:
        hint("EC2 does not tell since when a disk is unattached: only lists that follow each other do. List daily.")


_NOTHING_BILLED = IngestReport(snapshots=[], rows_in=0, rows_loaded=0, rows_quarantined=0, totals=[])


def _account(region: str | None) -> str:
    with told("The account of these credentials could not be told."):
        account = str(client("sts", region=region).get_caller_identity()["Account"])
    if not account.isdigit():
        raise LakeError(
            "The account of these credentials could not be told.",
            why="AWS named none.",
            do="Check which credentials `aws sts get-caller-identity` shows.",
        )
    return account


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
