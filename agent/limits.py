"""How much one turn may use, and how much of a conversation is remembered."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Limits:
    """Bounds of one turn and of one thread's memory; each that is hit is told to the asker in a plain sentence."""

    model_calls: int = 8
    """how often the model is asked in one turn, the second attempt at an answer included; and how many requests the
    providers get for it, those included that are sent again"""
    tool_calls: int = 12
    seconds: float = 120.0
    call_seconds: float = 45.0
    """how long one call of the model may take"""
    tokens: int = 120_000
    """input and output of all calls of one turn"""
    money: Decimal = Decimal(1)
    """of all calls of one turn, in the currency of the model's price; counts where a price is configured"""
    question_chars: int = 2_000
    answer_chars: int = 6_000
    results_kept: int = 8
    """tool results that later turns may still refer to"""
    result_rows_kept: int = 60
    turns_kept: int = 8
    """turns whose words the model still sees"""
    answers_kept: int = 4
    """answers that can be handed out again when the process died before storing them"""
    seen_kept: int = 200
    told_kept: int = 100
