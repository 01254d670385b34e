"""What was planted in the bill, where and how large: the truth that answers are graded against.

An event's size is measured, not guessed: the cost of the bill with it less the cost without.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from sandbox.bank.calendar import Floats
from sandbox.bank.line import Book, Micros
from sandbox.bank.organisation import AWS
from sandbox.bank.platform_aws import TEXTRACT
from sandbox.bank.services import Service, service_line
from sandbox.bank.tokens import OUTPUT

KYC_STREAM = "tokens/anthropic/anthropic-kyc/kyc-assistant/claude-sonnet-4-5/production/"
CLAIMS_STREAM = "tokens/aws/ai/claims/claude-haiku-4-5/production/"
SWEEP = "fraud-detection-p4d-training"
CHECKPOINTS = "nmb-fraud-checkpoints"


@dataclass
class Event:
    """One planted event. `end` is its last day; `series` names it in the dimensions that questions use."""

    id: str
    kind: str
    start: date
    end: date
    series: dict[str, str]
    cause: str
    excess: Decimal = Decimal(0)
    daily_before: Decimal = Decimal(0)
    daily_after: Decimal = Decimal(0)
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "series": self.series,
            "excess_cost": str(self.excess),
            "daily_cost_before": str(self.daily_before),
            "daily_cost_after": str(self.daily_after),
            "currency": "USD",
            "cause": self.cause,
            **self.extra,
        }


def plant(book: Book) -> list[Event]:
    """Changes the book's quantities and says what was changed."""
    return [_spike(book), _level_shift(book), _context_leak(book), _storage_leak(book), _new_service(book)]


def level_shift_day(until: date) -> date:
    """The 12th of the last complete month, so that it explains that month's jump; never more than 40 days back."""
    last_month = (until.replace(day=1) - timedelta(days=1)).replace(day=1)
    return max(last_month.replace(day=12), until - timedelta(days=40))


def spike_day(until: date) -> date:
    """A Tuesday, 7 to 13 days back, so that the days around it are ordinary ones."""
    back = 7 + (until - timedelta(days=7) - timedelta(days=1)).weekday()
    return until - timedelta(days=back)


def _spike(book: Book) -> Event:
    start = spike_day(book.calendar.until)
    end = start + timedelta(days=1)
    factors = np.ones(book.calendar.length)
    factors[book.calendar.index(start)] = 11.0
    factors[book.calendar.index(end)] = 13.5
    series = {
        "provider": "AWS", "service": "Amazon SageMaker", "team": "fraud-analytics", "use_case": "fraud-detection",
        "environment": "production", "workload": "training", "region": "us-east-1",
    }  # fmt: skip
    cause = "A hyper-parameter sweep ran without a limit on parallel training jobs (ml.p4d.24xlarge)."
    event = Event("spike-fraud-sweep", "spike", start, end, series, cause)
    return _scaled(book, event, dict.fromkeys(_find(book, SWEEP), factors))


def _level_shift(book: Book) -> Event:
    start = level_shift_day(book.calendar.until)
    after = np.arange(book.calendar.length) >= book.calendar.index(start)
    lines = {book.lines[i].token_class: i for i in _find(book, KYC_STREAM)}
    read, write, fresh = (lines[name] for name in ("input_cache_read", "input_cache_write_5m", "input_uncached"))
    moved = np.where(after, book.quantities[read] * 24 // 25 + book.quantities[write] * 4 // 5, 0)
    before = _cost(book, list(lines.values()))
    book.quantities[read] = np.where(
        after, book.quantities[read] - book.quantities[read] * 24 // 25, book.quantities[read]
    )
    book.quantities[write] = np.where(
        after, book.quantities[write] - book.quantities[write] * 4 // 5, book.quantities[write]
    )
    book.quantities[fresh] = book.quantities[fresh] + moved
    series = {
        "provider": "Anthropic", "service": "Claude API", "team": "financial-crime", "use_case": "kyc-assistant",
        "environment": "production", "model": "claude-sonnet-4-5", "workload": "inference",
    }  # fmt: skip
    cause = (
        "A new prompt template put the date first, so that prompts no longer share a prefix: cache reads became "
        "uncached input at ten times the price, while requests and output stayed as they were."
    )
    extra = {"token_class_up": "input_uncached", "token_class_down": "input_cache_read"}
    event = Event("shift-kyc-cache", "level_shift", start, book.calendar.until, series, cause, extra=extra)
    return _measured(book, event, before, _cost(book, list(lines.values())))


def _context_leak(book: Book) -> Event:
    start = book.calendar.until - timedelta(days=84)
    grown = np.exp(0.011 * np.maximum(np.arange(book.calendar.length) - book.calendar.index(start), 0))
    factors = {i: grown for i in _find(book, CLAIMS_STREAM) if book.lines[i].token_class != OUTPUT}
    series = {
        "provider": "AWS", "service": "Amazon Bedrock", "team": "claims-automation", "use_case": "claims",
        "environment": "production", "model": "claude-haiku-4-5", "workload": "inference", "region": "eu-west-1",
    }  # fmt: skip
    cause = "Every claim's whole history is sent along, and nobody trims it: input grows, requests do not."
    return _scaled(book, Event("leak-claims-context", "slow_leak", start, book.calendar.until, series, cause), factors)


def _storage_leak(book: Book) -> Event:
    start = book.calendar.until - timedelta(days=120)
    days = np.maximum(np.arange(book.calendar.length) - book.calendar.index(start), 0)
    series = {
        "provider": "AWS", "service": "Amazon Simple Storage Service", "team": "fraud-analytics",
        "use_case": "fraud-detection", "environment": "production", "resource": f"arn:aws:s3:::{CHECKPOINTS}",
    }  # fmt: skip
    cause = "Training checkpoints are kept for ever; their bucket has no lifecycle rule."
    event = Event("leak-fraud-checkpoints", "slow_leak", start, book.calendar.until, series, cause)
    return _scaled(book, event, dict.fromkeys(_find(book, CHECKPOINTS), 1 + 0.021 * days))


def _new_service(book: Book) -> Event:
    calendar = book.calendar
    start = calendar.until - timedelta(days=24)
    service = Service(
        AWS, "ai", "eu-west-1", TEXTRACT, "Tables and forms pages", "1000 Pages", "50", 520, use_case="claims",
        workload="inference", shape="business", growth=0.0, sigma=0.06,
    )  # fmt: skip
    ramp = np.clip((np.arange(calendar.length) - calendar.index(start) + 1) / 6, 0, 1)
    pages = 520 / 50 * calendar.shape("business") * calendar.noise(service.key, 0.06) * ramp
    book.add(service_line(service), pages, step=1000)
    series = {
        "provider": "AWS", "service": "Amazon Textract", "team": "claims-automation", "use_case": "claims",
        "environment": "production", "workload": "inference", "region": "eu-west-1",
    }  # fmt: skip
    cause = "Claims began to read scanned forms with Amazon Textract, a service that the bank did not use before."
    event = Event("new-claims-textract", "new_service", start, calendar.until, series, cause)
    return _measured(book, event, np.zeros(calendar.length, dtype=np.int64), _cost(book, [len(book.lines) - 1]))


def _find(book: Book, text: str) -> list[int]:
    found = [position for position, line in enumerate(book.lines) if text in line.key]
    if not found:
        raise LookupError(f"no series for the planted event: {text}")
    return found


def _cost(book: Book, positions: list[int]) -> Micros:
    total = np.zeros(book.calendar.length, dtype=np.int64)
    for position in positions:
        total += book.quantities[position] * book.lines[position].effective_price
    return total


def _scaled(book: Book, event: Event, factors: dict[int, Floats]) -> Event:
    before = _cost(book, list(factors))
    for position, factor in factors.items():
        book.quantities[position] = np.rint(book.quantities[position] * factor).astype(np.int64)
    return _measured(book, event, before, _cost(book, list(factors)))


def _measured(book: Book, event: Event, without: Micros, with_it: Micros) -> Event:
    first, last = book.calendar.index(event.start), book.calendar.index(event.end) + 1
    days = last - first
    return replace(
        event,
        excess=dollars(int(with_it.sum()) - int(without.sum())),
        daily_before=dollars(int(without[first:last].sum()) // days).quantize(Decimal("0.01")),
        daily_after=dollars(int(with_it[first:last].sum()) // days).quantize(Decimal("0.01")),
    )


def dollars(amount: int) -> Decimal:
    """10^-12 dollars as dollars, exactly."""
    return Decimal(amount).scaleb(-12)
