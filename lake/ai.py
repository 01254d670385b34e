"""Which charges are AI, and by which rule: every answer about "AI spend" stands on this table.

Four rules, the first that holds is recorded with the charge: the FOCUS service category, a known model, accelerator
hardware, a known AI use case. A charge that none of them names is not AI, however its description sounds.
"""

import re
from enum import StrEnum
from typing import NamedTuple

AI_CATEGORY = "AI and Machine Learning"


class Rule(StrEnum):
    """Why a charge counts as AI."""

    CATEGORY = "service category"
    MODEL = "known model"
    ACCELERATOR = "accelerator hardware"
    USE_CASE = "known AI use case"


class Facts(NamedTuple):
    """What the rules look at."""

    category: str | None
    sku_meter: str | None
    sku_details: str | None
    resource_type: str | None
    description: str | None
    model: str | None
    use_case: str | None


class Judged(NamedTuple):
    """Whether a charge is AI, why, and the model it names if no label did."""

    ai: bool
    rule: Rule | None
    model: str | None


# EC2 and SageMaker P, G, Trn, Inf and DL families; Azure N series; Google A and G2 machines; the cards' own names.
ACCELERATOR = re.compile(
    r"\b(?:ml\.)?(?:p[2-6]|g[3-7]|trn[1-3]|inf[12]|dl[12])[a-z-]*\.(?:\d*x?large|metal)|\bStandard_N[CDV]\w*"
    r"|\ba[23]-(?:high|mega|ultra)gpu|\bg2-standard|\b(?:NVIDIA|GPU)s?\b|\b(?:[AHBV]100|H200|L40S|TPU)\b",
    re.IGNORECASE,
)
MODEL = re.compile(
    r"\b(?:gpt-(?:\d[\w.]*|oss)(?:-(?:mini|nano|turbo|pro|audio|realtime|codex|\d+b))*"
    r"|o[134](?:-mini|-pro)?(?=[ -](?:input|output|batch))"
    r"|claude-(?:[a-z]+-)?\d[\w.]*(?:-\d+)*(?:-(?:haiku|sonnet|opus))?|text-embedding-[\w-]+|whisper-\d+"
    r"|gemini-\d[\w.]*(?:-(?:pro|flash|lite|ultra))*|llama-?\d[\w.-]*|mixtral-[\w.-]+|mistral-[\w.-]+"
    r"|titan-(?:text|embed)[\w-]*|nova-(?:micro|lite|pro|premier)|deepseek-[\w.-]+)\b",
    re.IGNORECASE,
)
USE_CASES = (
    "fraud", "credit scoring", "claims", "treasury forecast", "kyc", "copilot", "chatbot", "assistant",
    "recommendation", "document understanding", "summarisation", "summarization", "transcription", "machine learning",
    "llm", "rag",
)  # fmt: skip
_USE_CASE = re.compile(r"\b(?:" + "|".join(re.escape(name) for name in USE_CASES) + r")", re.IGNORECASE)


def judge(facts: Facts) -> Judged:
    """Applies the rules in their order."""
    written = " | ".join(part for part in (facts.sku_meter, facts.sku_details, facts.description) if part)
    named = MODEL.search(written)
    model = facts.model or (named[0].lower() if named else None)
    if facts.category == AI_CATEGORY:
        return Judged(True, Rule.CATEGORY, model)
    if model:
        return Judged(True, Rule.MODEL, model)
    if ACCELERATOR.search(f"{facts.resource_type or ''} | {written}"):
        return Judged(True, Rule.ACCELERATOR, None)
    if facts.use_case and _USE_CASE.search(re.sub(r"[-_/.]+", " ", facts.use_case)):
        return Judged(True, Rule.USE_CASE, None)
    return Judged(False, None, None)
