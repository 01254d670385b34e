"""`spendgate prices`: what a type of machine is and costs on demand, by the dated lists of the price book."""

from decimal import Decimal

from app.commands.console import hint, print_json, print_table
from app.home import Home
from app.settings import load_settings
from lake import price_book
from lake.machine_shapes import MachineShape
from lake.money import plain
from lake.price_book import OnDemand, PriceBook


def show(instance_type: str, *, region: str | None, as_json: bool) -> None:
    """Prints the shape and the prices of one type; refused where the book knows neither, or not this region."""
    book = price_book.own(Home(load_settings().home).price_book)
    shape = book.shape(instance_type)
    prices = [book.price(instance_type, region)] if region else _everywhere(book, instance_type)
    if as_json:
        print_json({"shape": _document(shape), "prices": [_price(one) for one in prices]})
        return
    print_table(
        ("region", "per hour", "currency", "list of", "from"),
        [(one.region, plain(one.per_hour), one.currency, one.dated, _kind(one)) for one in prices],
        right=frozenset({"per hour"}),
    )
    hint(_told(shape))
    for source in dict.fromkeys(one.source for one in prices):
        hint(f"Source: {source}.")
    if not prices:
        hint(f"No list of the price book of {book.dated} prices it.")


def _everywhere(book: PriceBook, instance_type: str) -> list[OnDemand]:
    return [one for (kind, _), one in sorted(book.prices.items()) if kind == instance_type]


def _kind(price: OnDemand) -> str:
    return "reckoned" if price.source.startswith("reckoned") else "published"


def _told(shape: MachineShape) -> str:
    parts = [f"{shape.vcpus} vCPU", f"{_count(shape.memory_gib)} GiB"]
    if shape.gpus:
        parts.append(f"{_count(shape.gpus)} × {shape.gpu} ({_count(shape.gpu_memory_gib)} GiB in all)")
    parts.append("/".join(shape.architectures))
    parts.append("present generation" if shape.current else "earlier generation")
    return f"{shape.instance_type}: {', '.join(parts)}."


def _count(value: Decimal) -> str:
    """A number without trailing zeros, to three places at most."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _document(shape: MachineShape) -> dict[str, object]:
    return {
        "instance_type": shape.instance_type,
        "vcpus": shape.vcpus,
        "memory_gib": shape.memory_gib,
        "gpus": shape.gpus,
        "gpu": shape.gpu or None,
        "gpu_memory_gib": shape.gpu_memory_gib,
        "architectures": list(shape.architectures),
        "current": shape.current,
        "offered_in": sorted(shape.offered_in),
        "list": shape.list,
    }


def _price(price: OnDemand) -> dict[str, object]:
    return {
        "region": price.region,
        "per_hour": price.per_hour,
        "currency": price.currency,
        "dated": price.dated,
        "source": price.source,
    }
