"""A process that has imported everything and forks whoever is asked for: a start takes milliseconds instead of seconds.

It holds no thread, no open connection and no transaction, so a fork begins like a start. Reads one JSON line for each
wish on stdin and answers each by one on stdout; ends with all its children when stdin ends.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.chaos.pace import shorten

shorten()  # before anything that takes a span by name

from app.processes.cloud import eyes  # noqa: E402
from approvals.executors.aws import AwsExecutor, aws_clients  # noqa: E402
from tests.chaos import planted, roles  # noqa: E402
from tests.chaos.board import Board  # noqa: E402
from tests.chaos.ending import die_with_parent  # noqa: E402
from tests.chaos.store import store  # noqa: E402
from tests.chaos.world import ACCOUNT, REGION  # noqa: E402


def main() -> None:
    folder, database, address, fault = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    clients = aws_clients(endpoint_url=address, access_key="sandbox", secret_key="sandbox")
    clients(ACCOUNT, REGION, "ec2")  # kept for all who are forked; reading boto3's model of EC2 is the slow part
    hands = (eyes(clients), AwsExecutor(clients))
    place = roles.Place(store(database, folder).engine, hands, Board(folder / "board"), address)
    roles.log_to(folder / "chaos.log")
    planted.plant(fault, hands[1])
    roles.instrument()
    children: set[int] = set()
    try:
        print(json.dumps({"ready": "nursery"}), flush=True)
        for line in sys.stdin:
            answer = _serve(json.loads(line), place, children)
            print(json.dumps(answer), flush=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def _serve(wish: dict[str, Any], place: roles.Place, children: set[int]) -> dict[str, int]:
    if "reap" in wish:
        _, status = os.waitpid(wish["reap"], 0)
        children.discard(wish["reap"])
        return {"status": os.waitstatus_to_exitcode(status)}
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _live(wish, place, parent)
    children.add(child)
    return {"pid": child}


def _live(wish: dict[str, Any], place: roles.Place, parent: int) -> None:
    try:
        die_with_parent(parent)
        quiet = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1):
            os.dup2(quiet, handle)
        roles.be(wish["role"], place, slot=wish["slot"], seed=wish["seed"])
    except BaseException:  # noqa: BLE001 (nothing of a child may come back into the nursery's own loop)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


if __name__ == "__main__":
    main()
