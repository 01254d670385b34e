"""Changes of the gate itself: which kinds they are, and the one class that they are filed under.

They go through the same votes as a change of a machine, with a higher quorum. No freeze and no cap holds them: a freeze
that also held the adoption of other rules could never be lifted.
"""

from typing import Final

POLICY: Final = "policy"
GOVERNANCE: Final = ("adopt_rules", "adopt_people", "release_kill_switch")
LEAST_VOTES: Final = 2
"""Different people for every change of the gate itself, and for what cannot be undone, whatever a rules file says."""
