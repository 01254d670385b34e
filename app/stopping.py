"""How a process is told to stop: once, however often it is told.

The first signal raises KeyboardInterrupt where the process is, and what it holds is then put away. A second one in that
very work would break it off half way and leave a thread that nobody ends any more: it is ignored. Second ones are
common: the kernel tells a child of its parent's end once for every thread of the parent (PR_SET_PDEATHSIG).
"""

import os
import signal
from types import FrameType

from app.errors import Exit

TOLD = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def stop_once() -> None:
    """Has the first of SIGTERM, SIGHUP and SIGINT raise KeyboardInterrupt, and the others count for nothing.

    A person who presses Ctrl-C again does not want to wait: from the second on, SIGINT ends the process where it is,
    which loses no more than a kill does. A signal that is ignored already stays so: nohup(1) means it.
    """
    for name in TOLD:
        if signal.getsignal(name) is not signal.SIG_IGN:
            signal.signal(name, _stop)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, _end)
    raise KeyboardInterrupt


def _end(_signal: int, _frame: FrameType | None) -> None:
    os._exit(Exit.INTERRUPTED)
