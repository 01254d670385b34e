"""What an entry of a restore excuses, and what not: at the signer and at the check of the log."""

from typing import Any

import pytest

from app.database import writing
from audit.canonical import canonical
from audit.checkpoint import Checkpoint
from audit.event import Event
from audit.log import append
from audit.marks import mark_of
from audit.note import SigningKey
from audit.restore import Restore, restore_in
from audit.signer import NotSigned
from audit.tree import root
from audit.verify import verify
from tests.audit.signing import AUDITOR, KEY, bodies, signed, tell_key


def restore(log: Any, lost: Checkpoint, kept: int, *, number: int = 1, of: bytes | None = None, **changed: Any) -> None:
    """The entry of a restore. `of`: the root that it says was kept, where that is not the log's own."""
    told = {"origin": lost.origin, "size": lost.size, "root": lost.root.hex()} | changed
    tree = root(bodies(log)[:kept]) if of is None else of
    with writing(log.engine) as (session, now):
        data = {"number": number, "lost": told, "kept": {"size": kept, "root": tree.hex()}, "reason": None}
        append(session, now=now, event=Event.LOG_RESTORED, actor=AUDITOR, data=data)


def test_a_restore_is_an_entry_that_names_what_was_lost_and_the_signer_must_know_of_it(log: Any) -> None:
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    with pytest.raises(NotSigned, match="shorter"):
        signed(log, lost)
    restore(log, lost, kept=4)
    with pytest.raises(NotSigned, match="--after-restore"):
        signed(log, lost)
    found = signed(log, lost, restored=True)
    assert (found.origin, found.size) == ("bank.example/log/restored-1", 5)
    with writing(log.engine) as (session, _):
        checked = verify(session, kept=[mark_of(lost, "the auditor's copy")], keys=[KEY.verifier])
    assert checked.ok
    assert "entries 5 to 6 was lost" in checked.remarks[0]
    assert checked.remarks[1] == "the key that was given signed entries 1 to 5"
    assert signed(log, found).origin == "bank.example/log/restored-1"


def test_a_backup_that_is_older_than_an_earlier_restore_gives_no_name_twice(log: Any) -> None:
    """What was signed as restored-1 is lost with the entry that made it so; the next name is told by the new entry."""
    first = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    restore(log, first, kept=4)
    lost = signed(log, first, restored=True)
    log.raw("DELETE FROM log_entry WHERE seq > 3", "DELETE FROM log_checkpoint")
    restore(log, lost, kept=3, number=2)
    assert signed(log, lost, restored=True).origin == "bank.example/log/restored-2"


@pytest.mark.parametrize("wrong", [{"size": 7}, {"root": "00" * 32}, {"origin": "other.example/log"}])
def test_a_restore_that_names_something_else_explains_nothing(log: Any, wrong: dict[str, Any]) -> None:
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    restore(log, lost, kept=4, **wrong)
    with pytest.raises(NotSigned):
        signed(log, lost, restored=True)
    with writing(log.engine) as (session, _):
        assert not verify(session, kept=[mark_of(lost, "copy")], keys=[KEY.verifier]).ok
    signed(log)  # as if the key's holder knew nothing of the one before
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(lost, "copy")], keys=[KEY.verifier])
    explained = wrong == {"size": 7}  # of before that restore; what was at that size it does not say
    assert found.ok == explained


def test_an_entry_alone_makes_no_restore_of_a_cut_tail(log: Any) -> None:
    """Whoever can cut the tail can add an entry that names any loss; only the key's holder can sign on after it."""
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 4", "DELETE FROM log_checkpoint")
    restore(log, lost, kept=4, size=10**12, root="00" * 32)
    kept = [mark_of(lost, "the auditor's copy")]
    with writing(log.engine) as (session, _):
        found = verify(session, kept=kept, keys=[KEY.verifier])
    assert (found.ok, found.first_bad) == (False, 6)
    assert found.remarks == ()
    own = SigningKey.new("bank.example/log")
    signed(log, key=own)  # under the restored name, with a key of the attacker's
    with writing(log.engine) as (session, _):
        assert not verify(session, kept=kept, keys=[KEY.verifier]).ok


@pytest.mark.parametrize("given", [True, False], ids=["with the key", "without it"])
def test_a_key_that_is_told_after_a_restore_vouches_for_it_only_if_it_was_given(log: Any, given: bool) -> None:
    tell_key(log, KEY)
    lost = signed(log)
    log.raw("DELETE FROM log_entry WHERE seq > 5", "DELETE FROM log_checkpoint")
    restore(log, lost, kept=5)
    own = SigningKey.new("bank.example/log")
    tell_key(log, own)
    signed(log, key=own)
    with writing(log.engine) as (session, _):
        found = verify(session, kept=[mark_of(lost, "copy")], keys=[own.verifier] if given else [])
    assert found.ok == given


def test_a_restore_that_does_not_say_what_was_kept_excuses_no_rewritten_entry(log: Any) -> None:
    """A true last head beside a kept part that lies: one start after a restore must not sign another history."""
    early = signed(log)
    log.fill(3)
    lost = signed(log, early)
    log.raw("DELETE FROM log_entry WHERE seq > 2", "DELETE FROM log_checkpoint")
    log.fill(5)
    for kept, of in ((1, bytes(32)), (1, None), (7, bytes(32))):
        before = bodies(log)
        restore(log, lost, kept=kept, of=of)
        with pytest.raises(NotSigned, match="shorter"):
            signed(log, lost, restored=True)
        log.raw(f"DELETE FROM log_entry WHERE seq > {len(before)}")
    restore(log, lost, kept=1)
    signed(log)
    with writing(log.engine) as (session, _):
        assert not verify(session, kept=[mark_of(early, "the auditor's copy")], keys=[KEY.verifier]).ok


RESTORES: dict[str, dict[str, Any]] = {
    "a size that is text": {"lost": {"size": "9"}},
    "a kept size that is text": {"kept": {"size": "6"}},
    "a kept size that is true": {"kept": {"size": True}},
    "a number beyond all names": {"number": 10**9},
    "a number that is true": {"number": True},
    "a short root": {"lost": {"root": "00"}},
    "an origin that is none": {"lost": {"origin": 7}},
    "nothing": {"lost": None},
}


@pytest.mark.parametrize("what", RESTORES)
def test_what_is_not_in_the_form_of_a_restore_is_none(log: Any, what: str) -> None:
    found = signed(log)
    data: dict[str, Any] = {
        "number": 1,
        "lost": {"origin": found.origin, "size": 9, "root": "00" * 32},
        "kept": {"size": 6, "root": found.root.hex()},
    }

    def read() -> Restore | None:
        body = canonical({"event": "log.restored", "data": data})
        return restore_in(body, kept=6, root=lambda: found.root, before=0)

    assert read() is not None
    for name, value in RESTORES[what].items():
        data[name] = data[name] | value if isinstance(value, dict) else value
    assert read() is None
