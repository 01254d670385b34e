"""Language models on the bill: one stream per use case and model, split into token classes that never overlap.

A stream is given by what it costs a day and by its mix of tokens; the token counts follow from the prices. Cached
tokens are a class of their own and not part of the input, or they would be counted twice.
"""

from typing import NamedTuple

import numpy as np

from sandbox.bank.calendar import Floats
from sandbox.bank.line import Book, Line, usage
from sandbox.bank.organisation import ACCOUNTS, ANTHROPIC, AWS, MICROSOFT, OPENAI, USE_CASE_TEAMS, Provider, tags

UNCACHED, CACHE_READ, CACHE_WRITE, OUTPUT = (
    "input_uncached", "input_cache_read", "input_cache_write_5m", "output",
)  # fmt: skip
CLASSES = (UNCACHED, CACHE_READ, CACHE_WRITE, OUTPUT)
METERS = {UNCACHED: "input", CACHE_READ: "input cached", CACHE_WRITE: "input cache write 5m", OUTPUT: "output"}


class Model(NamedTuple):
    """Dollars per million tokens in the order of CLASSES ("" = the class does not exist), and who made the model."""

    prices: tuple[str, str, str, str]
    publisher: str = ""


MODELS: dict[str, Model] = {
    "gpt-5": Model(("1.25", "0.125", "", "10")),
    "gpt-5-mini": Model(("0.25", "0.025", "", "2")),
    "gpt-4.1": Model(("2", "0.5", "", "8")),
    "gpt-4o": Model(("2.5", "1.25", "", "10")),
    "gpt-4o-mini": Model(("0.15", "0.075", "", "0.6")),
    "text-embedding-3-large": Model(("0.13", "", "", "")),
    "claude-sonnet-4-5": Model(("3", "0.3", "3.75", "15"), "Anthropic, PBC"),
    "claude-haiku-4-5": Model(("1", "0.1", "1.25", "5"), "Anthropic, PBC"),
    "amazon.nova-pro": Model(("0.8", "0.2", "", "3.2")),
    "amazon.nova-lite": Model(("0.06", "0.015", "", "0.24")),
    "amazon.titan-embed-text-v2": Model(("0.02", "", "", "")),
}

# Shares of all tokens of a stream, in the order of CLASSES.
CHAT = (0.34, 0.44, 0.06, 0.16)
AGENT = (0.16, 0.68, 0.09, 0.07)
DOCUMENT = (0.70, 0.17, 0.03, 0.10)
EMBEDDING = (1.0, 0.0, 0.0, 0.0)


class Stream(NamedTuple):
    """`daily` is its list cost in dollars on a plain weekday at the end of the bill."""

    provider: Provider
    account: str
    region: str
    use_case: str
    model: str
    daily: float
    mix: tuple[float, float, float, float]
    shape: str
    growth: float
    earnings: float = 0.0
    environment: str = "production"
    tagged: bool = True
    since: int = 0
    workload: str = "inference"

    @property
    def key(self) -> str:
        return f"tokens/{self.provider.folder}/{self.account}/{self.use_case}/{self.model}/{self.environment}"


FRAUD, CREDIT, CLAIMS = "fraud-detection", "credit-scoring", "claims"
TREASURY, KYC, COPILOT = "treasury-forecasting", "kyc-assistant", "developer-copilot"
US, EU = "us-east-1", "eu-west-1"

STREAMS: tuple[Stream, ...] = (
    Stream(OPENAI, "openai-copilot", "", COPILOT, "gpt-5", 1240, AGENT, "office", 1.1),
    Stream(OPENAI, "openai-copilot", "", COPILOT, "gpt-5-mini", 260, AGENT, "office", 1.4),
    Stream(OPENAI, "openai-copilot", "", COPILOT, "gpt-5", 95, AGENT, "office", 0.6, environment="development"),
    Stream(OPENAI, "openai-kyc", "", KYC, "gpt-4o", 390, CHAT, "business", 0.25),
    Stream(OPENAI, "openai-kyc", "", KYC, "text-embedding-3-large", 85, EMBEDDING, "business", 0.5),
    Stream(OPENAI, "openai-claims", "", CLAIMS, "gpt-4o-mini", 140, DOCUMENT, "business", 0.7),
    Stream(OPENAI, "openai-treasury", "", TREASURY, "gpt-5", 230, DOCUMENT, "business", 0.6, 0.9),
    Stream(OPENAI, "openai-default", "", COPILOT, "gpt-4o", 330, CHAT, "office", 0.8, tagged=False),
    Stream(ANTHROPIC, "anthropic-kyc", "", KYC, "claude-sonnet-4-5", 1380, AGENT, "business", 0.7),
    Stream(ANTHROPIC, "anthropic-copilot", "", COPILOT, "claude-sonnet-4-5", 980, AGENT, "office", 1.3),
    Stream(ANTHROPIC, "anthropic-copilot", "", COPILOT, "claude-haiku-4-5", 110, AGENT, "office", 0.9,
           environment="development"),
    Stream(ANTHROPIC, "anthropic-claims", "", CLAIMS, "claude-haiku-4-5", 210, DOCUMENT, "business", 0.5),
    Stream(ANTHROPIC, "anthropic-credit", "", CREDIT, "claude-haiku-4-5", 120, CHAT, "business", 0.3),
    Stream(AWS, "ai", EU, CLAIMS, "claude-haiku-4-5", 430, DOCUMENT, "business", 0.3),
    Stream(AWS, "ai", US, FRAUD, "claude-sonnet-4-5", 520, CHAT, "retail", 0.6),
    Stream(AWS, "ai", US, KYC, "amazon.nova-pro", 190, CHAT, "business", 0.5),
    Stream(AWS, "ai", US, CREDIT, "amazon.nova-lite", 65, DOCUMENT, "business", 0.4),
    Stream(AWS, "ai", US, TREASURY, "claude-sonnet-4-5", 210, DOCUMENT, "business", 0.5, 1.1),
    Stream(AWS, "ai", EU, CLAIMS, "amazon.titan-embed-text-v2", 40, EMBEDDING, "business", 0.3),
    Stream(AWS, "ai", US, KYC, "claude-haiku-4-5", 75, CHAT, "office", 0.4, environment="staging"),
    Stream(MICROSOFT, "azure-ai", "westeurope", KYC, "gpt-4o", 480, CHAT, "business", 0.35),
    Stream(MICROSOFT, "azure-ai", "eastus2", CLAIMS, "gpt-4o", 390, DOCUMENT, "business", 0.45),
    Stream(MICROSOFT, "azure-ai", "eastus2", COPILOT, "gpt-4o-mini", 130, AGENT, "office", 0.7),
    Stream(MICROSOFT, "azure-ai", "eastus2", TREASURY, "gpt-4.1", 290, DOCUMENT, "business", 0.6, 1.0),
    Stream(MICROSOFT, "azure-ai", "eastus2", FRAUD, "gpt-4o-mini", 95, CHAT, "retail", 0.4),
    Stream(MICROSOFT, "azure-ai", "westeurope", CLAIMS, "gpt-4o-mini", 60, DOCUMENT, "office", 0.4,
           environment="staging"),
)  # fmt: skip

SERVICES = {
    "OpenAI": ("OpenAI API", "AI and Machine Learning", "Generative AI"),
    "Anthropic": ("Claude API", "AI and Machine Learning", "Generative AI"),
    "AWS": ("Amazon Bedrock", "AI and Machine Learning", "Generative AI"),
    "Microsoft": ("Azure OpenAI Service", "AI and Machine Learning", "Generative AI"),
}


def add_tokens(book: Book) -> None:
    """Every stream's token classes as rows of their own, moved by the same demand."""
    for stream in STREAMS:
        add_stream(book, stream)


def add_stream(book: Book, stream: Stream) -> None:
    """One stream's token classes as rows of their own, moved by the same demand."""
    mix = present_mix(stream)
    total = _tokens_a_day(stream, mix) * _demand(stream, book)
    for position, name in enumerate(CLASSES):
        if mix[position] == 0:
            continue
        wobble = book.calendar.noise(f"{stream.key}/{name}", 0.02)
        book.add(_line(stream, position), total * mix[position] * wobble / 1e6)


def present_mix(stream: Stream) -> tuple[float, ...]:
    """The stream's mix over the classes that its model prices; the share of a missing class is read as uncached."""
    prices = MODELS[stream.model].prices
    kept = [share if price else 0.0 for share, price in zip(stream.mix, prices, strict=True)]
    kept[0] += 1.0 - sum(kept)
    return tuple(kept)


def _tokens_a_day(stream: Stream, mix: tuple[float, ...]) -> float:
    prices = MODELS[stream.model].prices
    blended = sum(float(price) * share for price, share in zip(prices, mix, strict=True) if price)
    return stream.daily / blended * 1e6


def _demand(stream: Stream, book: Book) -> Floats:
    calendar = book.calendar
    values = calendar.shape(stream.shape, earnings=stream.earnings) * calendar.growth(stream.growth)
    values = values * calendar.noise(stream.key, 0.055)
    if stream.since:
        values = np.where(np.arange(calendar.length) >= calendar.length - stream.since, values, 0.0)
    return values


def _line(stream: Stream, position: int) -> Line:
    name, model = CLASSES[position], MODELS[stream.model]
    batch = model.prices[position]
    team = USE_CASE_TEAMS[stream.use_case]
    given = tags(team, stream.environment, use_case=stream.use_case, model=stream.model, workload=stream.workload)
    return usage(
        stream.provider,
        ACCOUNTS[stream.account],
        key=f"{stream.key}/{name}",
        service=SERVICES[stream.provider.name],
        meter=f"{stream.model} {METERS[name]}",
        unit="1000000 Tokens",
        price=batch,
        consumed_unit="Tokens",
        consumed_per_unit=1_000_000,
        region=stream.region,
        resource_id=_resource(stream),
        resource_name=stream.model,
        resource_type="Deployment" if stream.provider is MICROSOFT else "Model",
        publisher=model.publisher or stream.provider.publisher,
        tags=given if stream.tagged else {},
        model=stream.model,
        token_class=name,
        workload=stream.workload,
        description=f"${batch} per million {METERS[name]} tokens of {stream.model}",
    )


def _resource(stream: Stream) -> str:
    account = ACCOUNTS[stream.account]
    if stream.provider is AWS:
        profile = f"{stream.use_case}-{stream.model}".replace(".", "-")
        return f"arn:aws:bedrock:{stream.region}:{account.id}:application-inference-profile/{profile}"
    if stream.provider is MICROSOFT:
        group = f"/subscriptions/{account.id}/resourcegroups/rg-{stream.use_case}-{stream.environment}"
        return (
            f"{group}/providers/microsoft.cognitiveservices/accounts/aoai-{stream.region}/deployments/"
            f"{stream.model.replace('.', '-')}-{stream.use_case}"
        )
    return f"{account.id}/{stream.model}"
