"""What the database refuses of ratings: one is never another's or of another answer, and never disappears.

What it cannot see: that whoever is named pressed the button. That needs a writer with the gate's rights.
"""

from audit.guard import Guard, changed

GUARDS: tuple[Guard, ...] = (
    Guard(
        "answer_rating_once",
        "answer_rating",
        "INSERT",
        "a person rates an answer once",
        # A REPLACE deletes what is there without asking the guard of DELETE, unless a connection asks for that.
        "EXISTS (SELECT 1 FROM answer_rating WHERE turn = NEW.turn AND person = NEW.person)"
        " OR (NEW.helpful AND NEW.reason_ref IS NOT NULL)",
    ),
    Guard("answer_rating_no_delete", "answer_rating", "DELETE", "a rating cannot be deleted"),
    Guard(
        "answer_rating_stays",
        "answer_rating",
        "UPDATE",
        "whose rating it is and of which answer cannot be changed",
        f"{changed('turn', 'person')} OR (NEW.helpful AND NEW.reason_ref IS NOT NULL)",
    ),
)
