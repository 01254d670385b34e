"""What the database refuses of drafting rules: who switched which on is stored once, and stays.

What it cannot see: that whoever is named sat at the terminal. That needs a writer with the gate's rights.
"""

from audit.guard import Guard

GUARDS: tuple[Guard, ...] = (
    Guard(
        "drafting_rule_once",
        "drafting_rule",
        "INSERT",
        "a turn of a drafting rule has a number of its own",
        # A REPLACE deletes what is there without asking the guard of DELETE, unless a connection asks for that.
        "EXISTS (SELECT 1 FROM drafting_rule WHERE rule = NEW.rule AND number = NEW.number)",
    ),
    Guard("drafting_rule_no_delete", "drafting_rule", "DELETE", "who let a scan draft cannot be taken out"),
    Guard("drafting_rule_stays", "drafting_rule", "UPDATE", "who let a scan draft cannot be changed"),
)
