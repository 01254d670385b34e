"""The limits of the rules of savings in this home: `savings.toml` if there is one, otherwise the shipped ones."""

from app.home import Home
from app.own_text import own_text
from tools.rules.configured import thresholds_of
from tools.rules.thresholds import SavingsThresholds


def limits_here(home: Home) -> SavingsThresholds:
    """Raises LakeError for a file that cannot be read or names a limit that there is not."""
    path = home.savings
    return thresholds_of(own_text(path), name=str(path)) if path.exists() else SavingsThresholds()
