"""Time: it passes, mostly a little; it goes exactly to a border; and the database's clock is set, both ways."""

from datetime import timedelta

from audit.moment import utc_text, utc_time
from tests.simulation.world import World

MOST_SKEW = 120.0
"""A clock that is wrong by more than this breaks what the settle time rests on; then only less is asked for."""

BORDERS = "SELECT {0} FROM proposal WHERE {0} IS NOT NULL AND state NOT IN ('verified', 'failed', 'diverged')"
TICK = 0.000001


def disturb(world: World) -> None:
    """One of the things that clocks do."""
    what = world.dice.pick(("border",) * 4 + ("wait",) * 5 + ("step",) * 3 + ("far", "long"))
    {"border": _border, "wait": _wait, "step": _step, "far": _far, "long": _long}[what](world)


def _wait(world: World) -> None:
    seconds = world.dice.pick((15.0, 19.999, 20.0, 45.0, 89.0, 91.0, 200.0, 601.0))
    world.fault("clock.wait", f"{seconds} seconds pass")
    world.oracle.spoil("time passed")
    world.pass_time(seconds)


def _long(world: World) -> None:
    seconds = 3600.0 * world.dice.whole(1, 80)
    world.fault("clock.wait", f"{seconds / 3600:.0f} hours pass")
    world.oracle.spoil("time passed")
    world.pass_time(seconds)


def _border(world: World) -> None:
    """Goes to a border of some proposal: just before it, exactly there, or just behind it."""
    column = world.dice.pick(("expires_at", "execute_by", "lease_until", "lease_until", "look_at"))
    moments = sorted({row[0] for row in world.memory.rows(BORDERS.format(column))})
    ahead = [moment for moment in moments if moment > utc_text(world.now)]
    if not ahead:
        return
    aside = world.dice.pick((-TICK, 0.0, TICK))
    seconds = (utc_time(ahead[0]) - world.now).total_seconds() + aside
    if seconds > 0:
        world.fault("clock.border", f"to {column}{aside:+.6f}")
        world.oracle.spoil("time passed")
        world.pass_time(seconds)


def _step(world: World) -> None:
    """The clock is set by as much as the gate's settle time allows for."""
    seconds = world.dice.span(-MOST_SKEW, MOST_SKEW) - world.skew
    world.fault("clock.step", f"by {seconds:+.3f} seconds")
    world.oracle.spoil("clock set")
    world.step_clock(seconds)


def _far(world: World) -> None:
    """The clock is set by hours: nothing may be sent twice or without a right; what is known may become wrong."""
    seconds = world.dice.pick((-1, 1)) * 3600.0 * world.dice.whole(1, 6)
    world.fault("clock.far", f"by {seconds / 3600:+.0f} hours")
    world.oracle.spoil("clock set")
    for case in world.oracle.cases.values():
        if case.intents and not case.ended:
            case.beyond.add("the clock was set by hours while a request was out")
    world.now += timedelta(seconds=seconds)
