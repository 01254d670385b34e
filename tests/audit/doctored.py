"""What whoever doctors a pack does: files changed, and sealed again so that only what they say can tell."""

import json
from hashlib import sha256
from typing import Any

from audit import canonical

SEALS = ("manifest.json", "manifest.sha256")


def resealed(files: dict[str, bytes], manifest: dict[str, Any] | None = None) -> dict[str, bytes]:
    """The files with a manifest and a seal that fit them again, as whoever doctors a pack would leave them."""
    manifest = manifest or json.loads(files["manifest.json"])
    for name, content in files.items():
        if name not in SEALS:
            manifest["files"][name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    sealed = canonical.canonical(manifest) + b"\n"
    seal = f"{sha256(sealed).hexdigest()}  manifest.json\n".encode()
    return {**files, "manifest.json": sealed, "manifest.sha256": seal}


def changed_entry(lines: list[bytes], at: int) -> None:
    """Puts another time into an entry, in place."""
    lines[at] = lines[at].replace(b'"at":', b'"at":1')


def line_of(told: str, proof: tuple[str, ...] = ()) -> bytes:
    """One line of checkpoints.jsonl."""
    return canonical.canonical({"note": told, "proof": proof})
