"""What Terraform owns: its states, the folders of their files, and the tags that say so; settings of the worker.

The worker's alone, since a state holds whatever Terraform knows, passwords among the rest.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import Exit, Problem

STATE, SOURCE, TAGS = "SPENDGATE_TERRAFORM_STATE", "SPENDGATE_TERRAFORM_SOURCE", "SPENDGATE_TERRAFORM_TAGS"
SHIPPED_TAGS = "terraform,managedby=terraform,managed-by=terraform,managed_by=terraform,provisioner=terraform"


@dataclass(frozen=True)
class TerraformSettings:
    """`sources` is empty or has the root module's folder of each state, in their order; a tag's value None: any."""

    states: tuple[Path, ...] = ()
    sources: tuple[Path, ...] = ()
    tags: tuple[tuple[str, str | None], ...] = ()


def load_terraform(env: Mapping[str, str] = os.environ) -> TerraformSettings:
    """The settings; a Problem for a path where nothing is, and for folders that fit no state."""
    states, sources = _paths(env, STATE), _paths(env, SOURCE)
    for path in states:
        _must(path.is_file(), STATE, f"{path} is no file", "Write one with: terraform state pull > FILE")
    for path in sources:
        _must(path.is_dir(), SOURCE, f"{path} is no folder", "Name the folder of the root module's .tf files.")
    same = not sources or len(sources) == len(states)
    why = f"it names {len(sources)}, and {STATE} names {len(states)}"
    _must(same, SOURCE, why, f"Name one folder for each state of {STATE}, in the same order, or none.")
    given = env.get(TAGS, SHIPPED_TAGS)
    pairs = [one.strip().partition("=") for one in given.split(",") if one.strip()]
    for key, _, _ in pairs:
        _must(bool(key.strip()), TAGS, "a tag has no key", "Write KEY or KEY=VALUE, several separated by commas.")
    return TerraformSettings(
        states, sources, tuple((key.strip(), value.strip() if equal else None) for key, equal, value in pairs)
    )


def _paths(env: Mapping[str, str], name: str) -> tuple[Path, ...]:
    return tuple(Path(one.strip()) for one in env.get(name, "").split(",") if one.strip())


def _must(holds: bool, name: str, why: str, do: str) -> None:
    if not holds:
        raise Problem(f"{name} cannot be used.", why=f"{why[0].upper()}{why[1:]}.", do=do, exit_code=Exit.USAGE)
