"""The limits of the rules of savings in this home: `savings.toml` if there is one, otherwise the shipped ones."""

from app.home import Home
from lake.errors import LakeError
from tools.rules.configured import thresholds_of
from tools.rules.thresholds import SavingsThresholds


def limits_here(home: Home) -> SavingsThresholds:
    """Raises LakeError for a file that cannot be read or names a limit that there is not."""
    path = home.savings
    if not path.exists():
        return SavingsThresholds()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(
            f"{path} cannot be read.", why=f"{error}.", do="Make it a readable text, or remove it."
        ) from error
    return thresholds_of(text, name=str(path))
