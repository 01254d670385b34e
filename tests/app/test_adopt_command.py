"""`spendgate db adopt`: what comes into force, and what it is warned of."""

import pytest
from sqlalchemy import Engine

from app.commands.db import adopt_file
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
    home.people.write_text(PEOPLE.replace('["approver", "owner"]', roles) + "\n")
    adopt_file("people", None)
    said = capsys.readouterr()
    assert "people version 2 is in force" in said.out
    assert ("no role 'ownr' (p-0b0b0002)" in said.err) is warned
    assert ("Known: " in said.err) is warned
