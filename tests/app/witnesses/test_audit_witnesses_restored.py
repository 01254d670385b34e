"""What a restore excuses at the witnesses: what it names, as far as the key's holder signed on after it."""

from pathlib import Path

import pytest

from app.database import writing
from app.log_key import KeyFolder
from app.processes.signer import Following
from audit import log
from audit.checkpoint import Checkpoint, parse
from audit.event import Actor, ActorKind, Event
from audit.signer import NotSigned
from audit.stored_tree import StoredTree
from tests.app.witnesses.conftest import WITNESS_NAME, Room


def restored(room: Room, lost: Checkpoint, kept: int, *, of: bytes | None = None) -> None:
    """What a restore from a backup writes into the log. `of`: another root of what was kept than the log's own."""
    with writing(room.signed.log.engine) as (session, now):
        tree = StoredTree(session).root(0, kept) if of is None else of
        data = {
            "lost": {"origin": lost.origin, "size": lost.size, "root": lost.root.hex()},
            "kept": {"size": kept, "root": tree.hex()},
        }
        actor = Actor(ActorKind.SERVICE, "operator")
        log.append(session, now=now, event=Event.LOG_RESTORED, actor=actor, data=data)


def sign_on(room: Room) -> None:
    """The key's holder knows of the restore."""
    assert Following(room.signed.log.engine, room.signed.files, restored=True).round()


def test_what_a_restore_lost_and_told_is_a_remark(room: Room) -> None:
    early = room.signed.grow()
    room.show(early)
    lost = room.signed.grow()
    room.show(lost)
    room.cut(early.size)
    restored(room, lost, early.size)
    sign_on(room)
    code, told = room.run()
    assert (code, told["findings"]) == (0, [])
    assert len(told["remarks"]) == 2
    assert all(f"entries {early.size + 1} to {lost.size} were lost" in one for one in told["remarks"])


def test_a_restore_that_tells_of_less_than_a_witness_knows_is_an_alarm(room: Room) -> None:
    early = room.signed.grow()
    told = room.signed.grow()
    more = parse(room.signed.grow().note)
    room.show(more)
    room.cut(early.size)
    restored(room, told, early.size)
    room.signed.files.keep(str(told.note))
    sign_on(room)
    assert room.whats() == {("file", "shorter"), (WITNESS_NAME, "shorter")}


def test_a_restore_that_the_keys_holder_never_signed_explains_nothing(room: Room) -> None:
    """Whoever can cut the log's tail can also add an entry that calls it a restore."""
    early = room.signed.grow()
    lost = room.signed.grow()
    room.show(lost)
    room.cut(early.size)
    restored(room, lost, early.size)
    assert room.whats() == {("file", "shorter"), (WITNESS_NAME, "shorter")}


@pytest.mark.parametrize("kept", ["less", "another"])
def test_a_restore_that_lies_about_what_was_kept_explains_nothing(room: Room, kept: str) -> None:
    """One true start after a restore would excuse every entry that was written anew before it."""
    early = room.signed.grow()
    room.show(early)
    lost = room.signed.grow()
    room.show(lost)
    room.cut(6)
    room.signed.log.fill(7)
    restored(room, lost, *{"less": (6,), "another": (13,)}[kept], of=None if kept == "less" else bytes(32))
    with pytest.raises(NotSigned):
        sign_on(room)
    assert {what for _, what in room.whats(keys=[str(room.signed.key)])} == {"forked", "shorter"}


def test_a_key_that_is_told_after_a_restore_does_not_vouch_for_it(room: Room, tmp_path: Path) -> None:
    """Without --key the keys are the log's word, and whoever made up a restore can tell a key of their own."""
    early = room.signed.grow()
    lost = room.signed.grow()
    room.show(lost)
    room.cut(early.size)
    restored(room, lost, early.size)
    assert Following(room.signed.log.engine, KeyFolder(tmp_path / "own"), origin=room.signed.key.name).round()
    assert room.whats() == {("file", "shorter"), (WITNESS_NAME, "shorter")}
    assert ("file", "shorter") in room.whats(keys=[str(room.signed.key)])
