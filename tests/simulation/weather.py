"""How bad a run is: for each family of faults, how often. Every run draws its own mix, most without most families.

Runs in which everything goes wrong all the time reach little; a few families at a time reach the depths of each
(swarm testing: Groce and others, ISSTA 2012).
"""

from dataclasses import dataclass, fields

from tests.simulation.dice import Dice


@dataclass(frozen=True)
class Weather:
    """Shares of the occasions at which a fault of this family is made."""

    crash: float = 0.0
    interleave: float = 0.0
    delivery: float = 0.0
    clock: float = 0.0
    people: float = 0.0
    rules: float = 0.0
    send: float = 0.0
    blind: float = 0.0
    drift: float = 0.0
    lies: float = 0.0
    tampering: float = 0.0
    switch: float = 0.0
    lending: float = 0.0
    again: float = 0.0

    def fair(self) -> bool:
        """Whether nothing can go wrong."""
        return not any(getattr(self, family.name) for family in fields(self))


CALM = Weather()
WORST = Weather(
    crash=0.12,
    interleave=0.25,
    delivery=0.25,
    clock=0.05,
    people=0.03,
    rules=0.015,
    send=0.9,
    blind=0.12,
    drift=0.04,
    lies=0.4,
    tampering=0.25,
    switch=0.03,
    lending=0.06,
    again=0.2,
)
RARE = {"rules": 0.25, "lies": 0.12, "tampering": 0.07, "people": 0.35, "switch": 0.2, "lending": 0.3, "again": 0.4}
"""Families that end proposals early are in fewer runs than the others."""


def forecast(dice: Dice) -> Weather:
    """The weather of a run: one in twenty-five is fair, the others have about half of the families."""
    if dice.chance(0.04):
        return CALM
    chosen = {}
    for family in fields(Weather):
        if dice.chance(RARE.get(family.name, 0.6)):
            chosen[family.name] = round(getattr(WORST, family.name) * dice.span(0.2, 1.0), 4)
    return Weather(**chosen)
