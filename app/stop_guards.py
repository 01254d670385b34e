"""What the database refuses of stops: who stopped which turn is stored once, and stays.

What it cannot see: that whoever is named pressed the button. That needs a writer with the gate's rights.
"""

from audit.guard import Guard

GUARDS: tuple[Guard, ...] = (
    Guard(
        "turn_stop_once",
        "turn_stop",
        "INSERT",
        "a turn is stopped once",
        # A REPLACE deletes what is there without asking the guard of DELETE, unless a connection asks for that.
        "EXISTS (SELECT 1 FROM turn_stop WHERE turn = NEW.turn)",
    ),
    Guard("turn_stop_no_delete", "turn_stop", "DELETE", "a stop cannot be taken back"),
    Guard("turn_stop_stays", "turn_stop", "UPDATE", "a stop cannot be changed"),
)
