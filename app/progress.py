"""A bar on the terminal for what takes long: how far it is, rows a second and the time that is left.

On stderr and only where that is a terminal: what a script reads, and what a file keeps, has none of it.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lake.progress import Step, watched

LEAST_SECONDS = 0.5
"""A rate over less than that says nothing."""


@contextmanager
def bar(*, as_json: bool = False) -> Iterator[None]:
    """Shows the steps of what runs in the block; nothing with --json, or where nobody looks."""
    if as_json or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5) as shown:
        pace = Pace()

        def draw(step: Step) -> None:
            # One task a step: the time that is left is reckoned from its own pace, and one without an end has no share.
            if pace.begins(step):
                for task in shown.task_ids:
                    shown.remove_task(task)
                shown.add_task(_short(step.what), total=step.total, rate="")
            rate = pace.rate(step, time.monotonic())
            shown.update(shown.task_ids[0], completed=step.done, rate=rate)

        with watched(draw):
            yield


class Pace:
    """Rows a second within one step, as words."""

    def __init__(self) -> None:
        self._what, self._since = "", 0.0

    def begins(self, step: Step) -> bool:
        """Whether this is another step than the last one."""
        return step.what != self._what

    def rate(self, step: Step, now: float) -> str:
        """`12,300 rows/s` at this moment (seconds of a monotonic clock); empty while it cannot be told."""
        if self.begins(step):
            self._what, self._since = step.what, now
        took = now - self._since
        if not step.rows or took < LEAST_SECONDS:
            return ""
        return f"{'about ' if step.about else ''}{step.rows / took:,.0f} rows/s"


def _short(what: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in what)
    return clean if len(clean) <= 48 else f"{clean[:30]}…{clean[-17:]}"
