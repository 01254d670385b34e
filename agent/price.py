"""What a language model costs. Apart from the models themselves, so that reading the settings loads none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Price:
    """What a model costs in `currency` for a million tokens read and for a million written."""

    input: Decimal
    output: Decimal
    currency: str = "USD"

    def of(self, tokens: Sequence[int]) -> Decimal:
        """The exact price of (input, output) tokens."""
        return (self.input * tokens[0] + self.output * tokens[1]) / MILLION
