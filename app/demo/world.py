"""Where everything of a running demo is found, and the names that its parts agree on."""

from dataclasses import dataclass
from pathlib import Path

from app.home import Home

TEAM, APP_ID, CHANNEL, COSTS = "T0BANK", "A0SPENDGATE", "C0APPROVE", "C0AIOPS"
OPS, AUDITOR = "p-0a11ce01", "p-0a0d1703"
BOT_TOKEN, SIGNING_SECRET = "xoxb-sandbox", "sandbox-signing-secret"


@dataclass(frozen=True)
class World:
    """A demo that is up: its addresses, its home, its bank, and how long it took."""

    page: str
    serve: str
    aws: str
    audit: str
    home: Home
    bank: Path
    seconds: float
