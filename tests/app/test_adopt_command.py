"""`spendgate db adopt`: what comes into force, and what it is warned of."""

import pytest
from sqlalchemy import Engine

from app.commands.db import adopt_file
from app.errors import Problem
from app.home import Home
from tests.app.conftest import PEOPLE


@pytest.mark.parametrize(("roles", "warned"), [('["approver", "ownr"]', True), ('["approver", "owner"]', False)])
def test_a_role_that_no_rule_knows_is_told(
    home: Home,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    roles: str,
    warned: bool,
) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    home.people.write_text(PEOPLE.replace('["approver", "owner"]', roles).replace("Olivia Ortiz", "Olivia Other"))
    adopt_file("people", None)
    said = capsys.readouterr()
    assert "people version 2 is in force" in said.out
    assert ("no role 'ownr' (p-0b0b0002)" in said.err) is warned
    assert ("Known: " in said.err) is warned


def test_where_people_could_vote_nobody_adopts_at_the_terminal(
    home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    voters = [("p-0a150006", "Rita Risk", "risk"), ("p-0f1a0007", "Finn Ops", "finops")]
    more = [f'[[person]]\nid = "{id}"\nname = "{name}"\nroles = ["{role}"]\n' for id, name, role in voters]
    home.people.write_text("\n".join([PEOPLE, *more]))
    adopt_file("people", None)
    home.people.write_text(PEOPLE)
    with pytest.raises(Problem, match="they decide"):
        adopt_file("people", None)
