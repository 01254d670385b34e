"""The one form that every rule of savings has, so that people can read all of them and `docs/rules.md` is made of it.

A rule that does not say where its threshold comes from, or what would be lost by following it, cannot be written down.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One threshold: its key in `savings.toml`, its unit in words, and whose number it is."""

    key: str
    unit: str
    source: str


@dataclass(frozen=True)
class Form:
    """What a rule is, before it has seen any resource. `number` is its place in the catalogue of rules.

    `evidence` is what must be known for a verdict; `kind` is the change that it leads to (empty where people
    carry it out themselves), `drift` what must not have changed until that is carried out. `order` decides between two
    rules about one resource: the smaller goes first. `estimate`: in which way its money is no saving on the bill yet,
    in words ("by the gateway's estimate"); then it counts in no total. `otherwise` is what people do where the change
    needs something that nobody named.
    """

    number: str
    name: str
    title: str
    evidence: tuple[str, ...]
    fires: str
    limits: tuple[Limit, ...]
    saving: str
    risk: str
    reversibility: str
    kind: str
    undo: str
    drift: tuple[str, ...]
    order: int
    estimate: str = ""
    otherwise: str = ""
