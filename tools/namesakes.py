"""Resources whose name another one bears: CloudWatch tells scaling groups and endpoints by their names alone."""

from collections import Counter
from collections.abc import Callable, Iterable


def namesakes(ids: Iterable[str], every: Iterable[str], name_of: Callable[[str], str]) -> frozenset[str]:
    """Those of `ids` whose name another of `every` bears: all that the bill names, whoever may see them."""
    borne = Counter(name_of(one) for one in set(every))
    return frozenset(one for one in ids if borne[name_of(one)] > 1)
