"""Waste planted in the bank's use of language models: work that a cheaper model, or a batch, would do for less.

Which work another model does as well no bill tells: `EVALUATED` is what the bank has written down of that.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.bank.line import Book
from sandbox.bank.organisation import ACCOUNTS, ANTHROPIC, AWS, OPENAI, USE_CASE_TEAMS
from sandbox.bank.tokens import (
    CHAT,
    CLAIMS,
    CLASSES,
    CREDIT,
    DOCUMENT,
    FRAUD,
    KYC,
    TREASURY,
    US,
    Stream,
    add_stream,
)

CHEAPER, BATCH, CACHING = "cheaper_model", "batch_work", "prompt_caching"
EVALUATED = (
    f"{CREDIT}: gpt-4.1 > gpt-4.1-mini",
    f"{CREDIT}: claude-sonnet-4-5 > claude-haiku-4-5",
    f"{FRAUD}: gpt-4.1 > gpt-4.1-mini",
    f"{FRAUD}: gpt-5 > in-house-7b",
)
THROUGH = (f"{CREDIT}: litellm team credit-risk",)
"""Which team of its gateway a use case calls through: of the use in fraud nobody has written it down"""
REPEATED = (
    f"{TREASURY}: claude-haiku-4-5 = 60 %, 8 requests",
    f"{KYC}: gpt-4.1 = 40 %, 4 requests",
    f"{CLAIMS}: gpt-5-mini = 90 %, 5 requests",
)
"""What the bank has measured of how its requests begin"""
MORE = Decimal("1.05")
"""What the rule reckons for retries"""


@dataclass(frozen=True)
class PlantedUse:
    """One use of a model, what a rule must say of it and why; `gone` is which share of each class's cost would go."""

    rule: str
    stream: Stream
    verdict: str
    why: str
    gone: tuple[Decimal, Decimal, Decimal, Decimal] = (Decimal(0),) * 4

    def bill_id(self) -> str:
        """What tells this use from others."""
        one = self.stream
        account = ACCOUNTS[one.account].id
        parts = (one.provider.name, account, one.use_case, one.environment, one.workload, one.model)
        return "/".join(parts)


HALF, ALL_CACHED = Decimal("0.5"), Decimal(0)
# Of eight requests one is written at 1.25 times the price and seven are read at a tenth; of four at OpenAI one is paid
# as it is and three at a quarter.
HAIKU_CACHED = Decimal("0.6") * (1 - (Decimal("1.25") + Decimal("0.1") * 7) / 8)
GPT_CACHED = Decimal("0.4") * (1 - (1 + Decimal("0.25") * 3) / 4)
MINI, HAIKU = 1 - MORE / 5, 1 - MORE / 3

USES: tuple[PlantedUse, ...] = (
    PlantedUse(CHEAPER, Stream(OPENAI, "openai-default", "", CREDIT, "gpt-4.1", 180, DOCUMENT, "business", 0.3),
               "waste", "gpt-4.1-mini costs a fifth and was evaluated", (MINI,) * 4),
    PlantedUse(CHEAPER, Stream(ANTHROPIC, "anthropic-credit", "", CREDIT, "claude-sonnet-4-5", 90, CHAT, "business",
                               0.3), "waste", "Haiku costs a third and was evaluated", (HAIKU,) * 4),
    PlantedUse(CHEAPER, Stream(OPENAI, "openai-default", "", FRAUD, "gpt-4.1", 0.6, CHAT, "business", 0.1),
               "fine", "evaluated, but too little to be worth a release"),
    PlantedUse(CHEAPER, Stream(OPENAI, "openai-default", "", FRAUD, "gpt-5", 150, CHAT, "business", 0.1),
               "unknown", "what the evaluated model costs stands in no list"),
    PlantedUse(CHEAPER, Stream(OPENAI, "openai-claims", "", CLAIMS, "gpt-4.1", 160, DOCUMENT, "business", 0.1),
               "", "nobody evaluated another model"),
    PlantedUse(BATCH, Stream(OPENAI, "openai-claims", "", CLAIMS, "gpt-4o", 70, DOCUMENT, "night", 0.2,
                             environment="staging", workload="evaluation"),
               "waste", "a nightly evaluation", (HALF, ALL_CACHED, HALF, HALF)),
    PlantedUse(BATCH, Stream(ANTHROPIC, "anthropic-claims", "", CLAIMS, "claude-haiku-4-5", 60, DOCUMENT, "night", 0.2,
                             environment="development", workload="backfill"),
               "waste", "a backfill", (HALF,) * 4),
    PlantedUse(BATCH, Stream(OPENAI, "openai-kyc", "", KYC, "gpt-4o-mini", 1, CHAT, "night", 0.1,
                             environment="staging", workload="evaluation"),
               "fine", "may wait, but is too little to be worth a release"),
    PlantedUse(BATCH, Stream(AWS, "ai", US, FRAUD, "amazon.nova-lite", 40, DOCUMENT, "night", 0.1,
                             environment="staging", workload="evaluation"),
               "unknown", "the price list knows no price for its batches"),
    PlantedUse(BATCH, Stream(OPENAI, "openai-kyc", "", KYC, "gpt-4o", 75, DOCUMENT, "office", 0.1,
                             environment="development"),
               "", "people wait for the answers"),
    PlantedUse(CACHING, Stream(ANTHROPIC, "anthropic-credit", "", TREASURY, "claude-haiku-4-5", 85, DOCUMENT,
                               "business", 0.2), "waste", "a long instruction before every document",
               (HAIKU_CACHED, *(Decimal(0),) * 3)),
    PlantedUse(CACHING, Stream(OPENAI, "openai-kyc", "", KYC, "gpt-4.1", 120, DOCUMENT, "office", 0.2),
               "waste", "the same guidelines before every question", (GPT_CACHED, *(Decimal(0),) * 3)),
    PlantedUse(CACHING, Stream(OPENAI, "openai-claims", "", CLAIMS, "gpt-5-mini", 0.8, CHAT, "office", 0.2,
                               environment="staging"), "fine", "too little to be worth a release"),
)  # fmt: skip


def add_planted_uses(book: Book) -> None:
    """Each of them, by classes of tokens."""
    for planted in USES:
        add_stream(book, planted.stream)


def uses_truth(book: Book, *, days: int, hours_per_month: int) -> list[dict[str, Any]]:
    """What a grader needs to know of each; the saving a month from the last `days` of the bill."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for planted in USES:
        saved = Decimal(0)
        for name, gone in zip(CLASSES, planted.gone, strict=True):
            row = costs.get(f"{planted.stream.key}/{name}")
            if row is not None:
                saved += Decimal(int(row[-days:].sum())) / Decimal(10) ** 12 * gone
        a_month = saved / days * hours_per_month / 24
        told.append({
            "rule": planted.rule, "resource": planted.bill_id(), "name": planted.stream.model,
            "verdict": planted.verdict, "why": planted.why, "team": USE_CASE_TEAMS[planted.stream.use_case],
            "saving_per_month": str(a_month) if planted.verdict == "waste" else "0",
        })  # fmt: skip
    return told
