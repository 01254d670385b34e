"""The bank's machines and the sandbox's EC2 are one fleet: an id from the bill can be looked up and stopped."""

import json
from datetime import date
from pathlib import Path

import boto3
import pytest

from sandbox.aws.seed import access_key
from sandbox.aws.serve import serve_aws
from sandbox.bank.write import write_bank


@pytest.mark.slow
def test_every_machine_of_the_bill_is_there_and_the_idle_one_can_be_stopped(tmp_path: Path) -> None:
    write_bank(tmp_path, until=date(2026, 11, 22), months=6)
    machines = json.loads((tmp_path / "machines.json").read_text())["machines"]
    idle = json.loads((tmp_path / "truth.json").read_text())["idle"][0]["instance_id"]
    with serve_aws(tmp_path / "machines.json") as served:
        assert served.seeded.machines == len(machines)
        found = {}
        for account in served.seeded.accounts:
            for region in served.seeded.regions:
                client = boto3.client(
                    "ec2",
                    endpoint_url=served.address,
                    region_name=region,
                    aws_access_key_id=access_key(account),
                    aws_secret_access_key="any",
                )
                for page in client.get_paginator("describe_instances").paginate():
                    for reservation in page["Reservations"]:
                        for instance in reservation["Instances"]:
                            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
                            found[instance["InstanceId"]] = (
                                reservation["OwnerId"],
                                region,
                                instance["InstanceType"],
                                instance["State"]["Name"],
                                tags,
                            )
        assert found == {
            m["instance_id"]: (m["account"], m["region"], m["instance_type"], m["state"], m["tags"]) for m in machines
        }
        client = boto3.client(
            "ec2",
            endpoint_url=served.address,
            region_name="us-east-1",
            aws_access_key_id=served.access_key,
            aws_secret_access_key="any",
        )
        client.stop_instances(InstanceIds=[idle])
        assert served.journal.changes() == ((idle, "running", "stopped"),)
