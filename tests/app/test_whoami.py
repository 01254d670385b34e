"""Who sits at a terminal is who the operating system says, whatever the environment claims."""

import os
import pwd
from pathlib import Path

import pytest

from app.commands.here import place
from app.errors import Exit, Problem
from app.home import Home, open_home
from app.ready import os_user
from app.whoami import NOBODY, whoami
from approvals.person import People, load_people
from tests.app.conftest import PEOPLE

ME = pwd.getpwuid(os.getuid()).pw_name
OTHER = '[[person]]\nid = "p-2"\nname = "Arjun"\nos_user = "arjun"\n'
MAPPED = f'[[person]]\nid = "p-1"\nname = "Me"\nos_user = "{ME}"\n{OTHER}'


@pytest.fixture
def claiming(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says it is Arjun, in every variable that programs believe."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "arjun")


@pytest.mark.usefixtures("claiming")
def test_the_environment_does_not_say_who_one_is(home: Home) -> None:
    assert os_user() == ME
    assert whoami(home, load_people(MAPPED), None).id == "p-1"


def test_a_set_uid_process_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Problem) as refused:
        os_user()
    assert refused.value.exit_code is Exit.DENIED


def test_acting_as_somebody_is_for_sandboxes(home: Home) -> None:
    people = load_people(PEOPLE)
    with pytest.raises(Problem) as refused:
        whoami(home, people, "olivia")
    assert refused.value.exit_code is Exit.DENIED
    (home.folder / "sandbox").write_text("")
    assert whoami(home, people, "olivia").id == "p-0a11ce01"
    with pytest.raises(Problem, match="olivia"):
        whoami(home, people, "nobody here")


def test_somebody_who_is_not_mapped_is_refused_where_people_are(home: Home) -> None:
    with pytest.raises(Problem) as refused:
        whoami(home, load_people(PEOPLE), None)
    assert ME in refused.value.what
    alone = whoami(home, People(), None)
    assert (alone.id, alone.person) == (NOBODY, None)


def test_no_command_runs_near_the_workers_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(open_home(tmp_path / "h").folder))
    monkeypatch.setenv("SPENDGATE_WORKER_AWS_ACCESS_KEY_ID", "AKIA")
    with pytest.raises(Problem, match="SPENDGATE_WORKER_AWS_ACCESS_KEY_ID"):
        place()
    assert place(hands=True).home.folder == (tmp_path / "h").resolve()
