"""`./dev slack-kills`: kills `serve` at its commits, its calls of Slack and its acknowledgements, again and again.

    ./dev slack-kills --kills 10000 --seed 1

Several people press one card while `serve` dies and starts anew, keeping only the database's file; Slack keeps what it
was told. Then every press is counted, every card and every private note held against the log. Exit code 1 where a press
was lost or counted twice, a card showed what was not stored, or somebody was not told.
"""

import argparse
import json
import sys
import time

from tests.slack_kills.campaign import campaign


def main() -> int:
    """Runs as many as asked, and tells what was found."""
    parser = argparse.ArgumentParser(prog="./dev slack-kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.monotonic()
    found = campaign(kills=asked.kills, seed=asked.seed)
    sys.stdout.write(json.dumps(found | {"seconds": round(time.monotonic() - begun, 1)}) + "\n")
    return int(bool(found["violations"]))


if __name__ == "__main__":
    raise SystemExit(main())
