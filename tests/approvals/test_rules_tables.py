"""The optional tables of the rules: every fault with its line, and the shipped examples as they would count."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from approvals.changes.change import CLOUD_KINDS
from approvals.changes.reversibility import BY_KIND
from approvals.errors import GateError, PolicyError
from approvals.rules import PRODUCTION, Rules
from approvals.rules_file import load_rules
from tests.approvals.gate_stubs import RULES

EXAMPLES = re.sub(r"^#(?=\S)", "", RULES, flags=re.MULTILINE)
"""The shipped file with its examples un-commented."""
FREEZE = '\n[[freeze]]\nname = "close"\nzone = "Europe/Zurich"\n'
FIXED = FREEZE + "start = 2026-12-30T00:00:00\nend = 2027-01-03T00:00:00\n"
MONTHLY = FREEZE + 'around = "month_end"\nfrom_days = -2\nto_days = 1\n'
GLASS = """
[break_glass]
roles = ["sre"]
slots = ["owner", "director|vp"]
vote_within_hours = 1
review_within_hours = 24
reviewers = ["risk"]
"""


def shipped(adding: str = "", *, without: str = "") -> Rules:
    return load_rules(RULES.replace(without, "") + adding)


def test_the_shipped_rules_hold_no_freeze_and_lend_nothing() -> None:
    assert SHIPPED.freezes == ()
    assert (SHIPPED.delegation, SHIPPED.break_glass) == (None, None)
    assert SHIPPED.split_days == 30
    assert SHIPPED.caps.changes_per_hour == 30
    assert SHIPPED.may_stop == frozenset(SHIPPED.roles) - {"auditor"}


SHIPPED = load_rules(RULES)


def test_the_shipped_examples_work_when_they_are_un_commented() -> None:
    rules = load_rules(EXAMPLES)
    assert [freeze.name for freeze in rules.freezes] == ["quarter close", "earnings week"]
    assert rules.freezes[1].start == datetime(2027, 1, 25)  # noqa: DTZ001 (local, in the freeze's zone)
    assert rules.delegation is not None
    assert rules.delegation.max_days == 21
    assert rules.break_glass is not None
    assert [slot.words() for slot in rules.break_glass.slots] == ["owner or sre", "director or vp"]
    assert rules.break_glass.review_within == timedelta(hours=24)
    assert "auditor" not in rules.may_stop


def test_a_file_of_the_first_version_still_loads() -> None:
    first = RULES.split("# Proposals of one scope")[0]
    rules = load_rules(first)
    assert (rules.caps.sentences(), rules.split_days) == ((), 30)


FAULTS = [
    ("a freeze without a name", FIXED.replace('name = "close"\n', ""), "name is missing", "[freeze] (number 1)"),
    ("a freeze with an unknown key", FIXED + 'until = "x"\n', "unknown key 'until'", "until"),
    ("a zone that is none", FIXED.replace("Europe/Zurich", "Europe/Zuerich"), "no time zone", "zone"),
    ("a zone that is a folder", FIXED.replace("Europe/Zurich", "Europe"), "no time zone", "zone"),
    ("a zone that leaves the folder", FIXED.replace("Europe/Zurich", "../../etc/passwd"), "no time zone", "zone"),
    ("a zone that differs by machine", FIXED.replace("Europe/Zurich", "localtime"), "no time zone", "zone"),
    ("a start with an offset", FIXED.replace("30T00:00:00", "30T00:00:00Z"), "no local date and time", "start"),
    ("a start that is a date alone", FIXED.replace("2026-12-30T00:00:00", "2026-12-30"), "no local date", "start"),
    ("a start in another age", FIXED.replace("2026-12-30", "0001-01-01"), "between 2000 and 2200", "start"),
    ("a day that there is not", FIXED.replace("2026-12-30", "2026-02-30"), "line", "rules.toml"),
    ("an end before the start", FIXED.replace("2027-01-03", "2026-12-29"), "ends before it begins", "end"),
    ("an end at the start", FIXED.replace("2027-01-03", "2026-12-30"), "ends before it begins", "end"),
    ("everything for years", FIXED.replace("2027-01-03", "2029-01-03"), "everything for more than a year", "end"),
    ("no window at all", FREEZE, "end is missing", "[freeze] (number 1)"),
    ("half a window", FREEZE + "start = 2026-12-30T00:00:00\n", "end is missing", "[freeze]"),
    ("two windows in one", FIXED + 'around = "month_end"\nfrom_days = 0\nto_days = 1\n', "both a fixed", "around"),
    ("a period that is none", MONTHLY.replace("month_end", "week_end"), "around is none of", "around"),
    ("days that are a text", MONTHLY.replace("= -2", '= "-2"'), "whole number", "from_days"),
    ("days that run backwards", MONTHLY.replace("= -2", "= 2"), "ends before it begins", "to_days"),
    ("a month without an open day", MONTHLY.replace("= -2", "= -29"), "leave no day open", "to_days"),
    ("a fiscal year for a month", MONTHLY + "fiscal_year_starts = 4\n", "nothing about a month", "fiscal_year_starts"),
    (
        "a fiscal year for a fixed window",
        FIXED + "fiscal_year_starts = 4\n",
        "about a fixed window",
        "fiscal_year_starts",
    ),
    (
        "a month that there is not",
        MONTHLY.replace("month_end", "year_end") + "fiscal_year_starts = 13\n",
        "from 1 to 12",
        "fiscal_year_starts",
    ),
    ("an environment that is none", FIXED + 'environments = ["prod"]\n', "'prod' is not known", "environments"),
    ("a class that is none", FIXED + 'classes = ["harmless"]\n', "'harmless' is not known", "classes"),
    ("a freeze that could not be lifted", FIXED + 'classes = ["policy"]\n', "could not be lifted", "classes"),
    ("an account that is a number", FIXED + "accounts = [123456789012]\n", "no list of texts", "accounts"),
    ("a flag that is a text", FIXED + 'break_glass = "yes"\n', "neither true nor false", "break_glass"),
    ("a freeze twice", FIXED + FIXED, "'close' stands twice", "[freeze] (number 2), name"),
    ("one freeze as a table", FIXED.replace("[[freeze]]", "[freeze]"), "no list of tables", "freeze"),
    ("caps that are a list", "\n[[caps]]\nchanges_per_hour = 1\n", "caps", "rules.toml"),
    ("a cap of nothing", "changes_per_hour = 0\n", "kill switch is for", "changes_per_hour"),
    ("a cap that is true", "changes_per_hour = true\n", "from 1 to 10000", "changes_per_hour"),
    ("a cap that is a fraction", "changes_per_hour = 1.5\n", "from 1 to 10000", "changes_per_hour"),
    ("an amount of nothing", 'amount_per_day = "0.00"\n', "kill switch is for", "amount_per_day"),
    ("an amount that is a number", "amount_per_day = 5000.0\n", "a text of digits", "amount_per_day"),
    ("an amount below nothing", 'amount_per_day = "-5"\n', "a text of digits", "amount_per_day"),
    ("an unknown cap", "changes_per_day = 5\n", "unknown key 'changes_per_day'", "changes_per_day"),
    ("a split without a window", "\n[split]\nwindow_days = 0\n", "bit by bit", "window_days"),
    ("a split of a year and more", "\n[split]\nwindow_days = 999\n", "from 1 to 366", "window_days"),
    ("an empty split", "\n[split]\n", "window_days is missing", "[split]"),
    ("a mandate for ever", '\n[delegation]\nmax_days = 999\nroles = ["owner"]\n', "from 1 to 92", "max_days"),
    ("a mandate of nothing", "\n[delegation]\nmax_days = 9\nroles = []\n", "names nobody", "roles"),
    ("a mandate of a stranger", '\n[delegation]\nmax_days = 9\nroles = ["king"]\n', "'king' is not in", "roles"),
    ("a mandate to audit", '\n[delegation]\nmax_days = 9\nroles = ["auditor"]\n', "cannot be delegated", "roles"),
    ("an emergency of one", GLASS.replace(', "director|vp"', ""), "two different votes", "slots"),
    ("an emergency of one kind of voter", GLASS.replace('"director|vp"', '"owner"'), "two different", "slots"),
    ("an emergency without a vote", GLASS.replace('"owner", "director|vp"', ""), "needs no vote", "slots"),
    ("an emergency of strangers", GLASS.replace('"owner"', '"king"'), "'king' is not in [roles]", "slots"),
    ("an emergency that nobody may call", GLASS.replace('["sre"]', "[]"), "nobody could ask", "roles"),
    ("an emergency that nobody reviews", GLASS.replace('["risk"]', "[]"), "nobody would look", "reviewers"),
    ("a review within a week", GLASS.replace("= 24", "= 168"), "from 1 to 48", "review_within_hours"),
    ("an emergency that can wait", GLASS.replace("= 1\n", "= 5\n"), "from 1 to 4", "vote_within_hours"),
    ("an emergency for the rules", GLASS + 'classes = ["policy"]\n', "no reason to change the gate", "classes"),
    ("an emergency of no kind", GLASS + 'kinds = ["stop_world"]\n', "'stop_world' is not known", "kinds"),
    ("a switch that nobody may throw", "\n[kill_switch]\nroles = []\n", "nobody could stop", "roles"),
    ("a switch with more to it", '\n[kill_switch]\nroles = ["sre"]\noff = ["sre"]\n', "unknown key 'off'", "off"),
    ("an erasure that nobody may do", '\n[privacy]\nerase = []\nhold = ["risk"]\n', "nobody could have", "erase"),
    ("an erasure without holds", '\n[privacy]\nerase = ["risk"]\n', "hold is missing", "[privacy]"),
    ("a hold of a stranger", '\n[privacy]\nerase = ["risk"]\nhold = ["king"]\n', "'king' is not in", "hold"),
    ("a class that is kept less than a day", "\n[retention]\nvotes_days = -1\n", "from 0 to 10980", "votes_days"),
    ("a class that is kept for ever", "\n[retention]\ndecisions_days = 99999\n", "from 0 to", "decisions_days"),
    ("an unknown class", "\n[retention]\nmails_days = 1\n", "unknown key 'mails_days'", "mails_days"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "says", "place"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_fault_is_named_with_its_place(what: str, text: str, says: str, place: str) -> None:
    base = re.sub(r"\n\[split\]\nwindow_days = 30\n", "\n", RULES)
    base = re.sub(r"\n\[(privacy|retention)\]\n(.+\n)+", "\n", base)
    if not text.startswith("\n"):
        text = f"\n[caps]\n{text}"
    if "[caps]" in text or "[[caps]]" in text:
        base = re.sub(r"\n\[caps\]\n(.+\n)+", "\n", base)
    broken = base + text
    with pytest.raises(PolicyError) as caught:
        load_rules(broken)
    assert says in str(caught.value)
    assert place in caught.value.where or place in caught.value.why
    line = re.search(r", line (\d+)", caught.value.where)
    if line:  # the line is one of those that were added, and the one that names the key
        named = broken.splitlines()[int(line[1]) - 1]
        assert int(line[1]) > len(base.splitlines())
        key = place.split(", ")[-1]
        assert named.startswith(key if f"\n{key} =" in text else "[")
    else:
        assert "at line" in caught.value.why


def test_a_table_in_one_line_has_a_line_too() -> None:
    base = re.sub(r"\n\[caps\]\n(.+\n)+", "\n", RULES)
    with pytest.raises(PolicyError, match=r"line 1, \[caps\], changes_per_hour"):
        load_rules("caps = { changes_per_hour = 0 }\n" + base)
    with pytest.raises(PolicyError, match=r"line 1, \[caps\], changes_per_hour"):
        load_rules("caps.changes_per_hour = 0\n" + base)


@pytest.mark.parametrize("text", ["[" * 5000, "a = " + "9" * 5000, "a = " + "[" * 5000, "\x00"])
def test_what_breaks_a_parser_is_a_fault_like_any_other(text: str) -> None:
    with pytest.raises(PolicyError):
        load_rules(text)


def test_every_selector_of_a_freeze_is_read() -> None:
    more = 'environments = ["production"]\nclasses = ["budget"]\naccounts = ["1"]\nteams = ["Fraud"]\n'
    more += "break_glass = false\n"
    (freeze,) = shipped(FIXED + more).freezes
    assert [*freeze.environments, *freeze.classes] == ["production", "budget"]
    assert [*freeze.accounts, *freeze.teams] == ["1", "fraud"]
    assert not freeze.break_glass


def test_an_emergency_covers_what_is_reversible_unless_it_says_more() -> None:
    glass = shipped(GLASS).break_glass
    assert glass is not None
    assert ([*glass.classes], [*glass.kinds]) == (["reversible"], [])
    glass = shipped(GLASS + 'kinds = ["start_instance"]\n').break_glass
    assert glass is not None
    assert ([*glass.classes], [*glass.kinds]) == ([], ["start_instance"])


def test_auto_is_read_as_the_owner() -> None:
    rules = load_rules(RULES.replace('votes = [["owner"], ["owner"],', 'votes = [["auto|owner"], ["auto"],', 1))
    assert rules.matrix == SHIPPED.matrix
    assert rules.automatic == (("reversible", "non_production"),)


@pytest.mark.parametrize("role", ["auto", "a|b", '" x"', '""'])
def test_a_role_that_a_column_could_not_name(role: str) -> None:
    key = role if role.isalpha() or role.startswith('"') else f'"{role}"'
    with pytest.raises(PolicyError, match="cannot be a role"):
        load_rules(RULES.replace("[roles]\n", f'[roles]\n{key} = "x"\n'))


def test_more_votes_than_anybody_would_collect() -> None:
    with pytest.raises(PolicyError, match="asks for 9 votes"):
        load_rules(
            RULES.replace('[["owner"], ["owner"],', "[" + str(["owner"] * 9).replace("'", '"') + ', ["owner"],', 1)
        )


TWO = ("stop_instance", "start_instance")
OF_TWO = re.sub(
    r"\[changes\]\n(.+\n)+", '[changes]\nstop_instance = "reversible"\nstart_instance = "reversible"\n', RULES
)
"""The shipped rules as a program would have them that knows two kinds of change."""
FILED = [
    ("what cannot be undone, filed as that", "delete_volume", "irreversible", "irreversible", None),
    (
        "what cannot be undone, filed as reversible",
        "delete_volume",
        "irreversible",
        "reversible",
        "column 1, for owner",
    ),
    ("what cannot be undone, filed as a budget", "delete_volume", "irreversible", "budget", "asks in non_production"),
    ("what somebody else can undo, filed as reversible", "delete_volume", "externally_reversible", "reversible", None),
    ("a commitment, filed as that", "buy_plan", "commitment", "commitment", None),
    ("a commitment, filed as reversible", "buy_plan", "commitment", "reversible", "buy_plan is a commitment"),
    ("other rules, filed as reversible", "adopt_rules", "reversible", "reversible", "changes the gate itself"),
    ("other rules, which are judged by their own class", "adopt_rules", "irreversible", "policy", None),
]


@pytest.mark.parametrize(("what", "kind", "known", "filed", "says"), FILED, ids=[row[0] for row in FILED])
def test_a_kind_is_not_filed_below_what_the_code_knows_of_it(
    what: str, kind: str, known: str, filed: str, says: str | None
) -> None:
    text = OF_TWO.replace("[changes]\n", f'[changes]\n{kind} = "{filed}"\n')
    kinds = (*TWO, kind)
    if says is None:
        assert load_rules(text, kinds=kinds, reversibility={kind: known}).classes[kind] == filed
    else:
        with pytest.raises(PolicyError) as caught:
            load_rules(text, kinds=kinds, reversibility={kind: known})
        assert says in caught.value.why
        assert f"[changes], {kind}" in caught.value.where


def test_a_class_of_ones_own_may_be_stricter_than_irreversible() -> None:
    rows = "".join(
        f'\n[[class]]\nname = "{name}"\nenvironment = "{environment}"\nvotes = [{", ".join([votes] * 5)}]\n'
        for environment in ("production", "non_production")
        for name, votes in (("mine", '["owner", "peer", "vp"]'), ("lax", '["owner", "peer"]'))
    )
    base = re.sub(r'votes = \[\["owner", "peer"\].*', f"votes = [{', '.join(['[@]'] * 5)}]", OF_TWO)
    base = base.replace("[@]", '["owner|vp", "peer"]')
    kinds = (*TWO, "delete_volume")
    for name in ("mine", "lax"):
        text = base.replace("[changes]\n", f'[changes]\ndelete_volume = "{name}"\n') + rows
        assert load_rules(text, kinds=kinds, reversibility={"delete_volume": "irreversible"})
    text = base.replace('"owner|vp", "peer"', '"owner", "peer", "vp"')
    text = text.replace("[changes]\n", '[changes]\ndelete_volume = "lax"\n') + rows
    with pytest.raises(PolicyError, match="where 'irreversible' asks for owner and peer and vp"):
        load_rules(text, kinds=kinds, reversibility={"delete_volume": "irreversible"})


def test_an_unknown_word_about_a_kind_is_a_fault_of_the_code() -> None:
    with pytest.raises(KeyError):
        load_rules(RULES, reversibility={"stop_instance": "irreversable"})


def test_a_change_of_the_gate_needs_two_people() -> None:
    with pytest.raises(PolicyError, match="needs the votes of 2 people"):
        load_rules(RULES.replace('[["risk", "finops"]', '[["risk"]', 1))


ONE_VOTE = RULES.replace('["vp", "risk"], ["board", "risk"]]', '["vp", "risk"], ["board"]]')
"""Rules as they once shipped: above the last limit, and where no amount is known, one person deletes for good."""


def test_what_cannot_be_undone_needs_two_people_in_every_column() -> None:
    with pytest.raises(PolicyError, match="column 5: what cannot be undone needs the votes of 2 people") as caught:
        load_rules(ONE_VOTE)
    row = ONE_VOTE.splitlines().index('name = "irreversible"') + 1  # lines are counted from 1
    assert f"line {row + 2}" in caught.value.why


def test_rules_in_force_that_let_one_person_delete_still_count() -> None:
    """Refusing them would leave nobody who could vote for better ones."""
    rules = load_rules(ONE_VOTE, adopted=True)
    assert rules.class_of("set_log_retention") == "irreversible"
    assert [slot.words() for slot in rules.requirement("delete_volume", PRODUCTION, None, None).slots] == ["board"]


def test_rules_in_force_may_be_older_than_a_kind_and_refuse_it_when_it_is_asked_for() -> None:
    with pytest.raises(PolicyError, match="has no class"):
        load_rules(OF_TWO)
    rules = load_rules(OF_TWO, adopted=True)
    assert rules.requirement("stop_instance", PRODUCTION, Decimal(1), "USD").slots
    with pytest.raises(GateError, match="Nobody could vote on 'delete_volume'"):
        rules.requirement("delete_volume", PRODUCTION, Decimal(1), "USD")


def test_rules_in_force_that_file_a_kind_too_low_refuse_that_kind_alone() -> None:
    lax = RULES.replace('delete_volume = "irreversible"', 'delete_volume = "reversible"')
    with pytest.raises(PolicyError, match="delete_volume is irreversible"):
        load_rules(lax)
    rules = load_rules(lax, adopted=True)
    with pytest.raises(GateError, match="Nobody could vote on 'delete_volume'"):
        rules.class_of("delete_volume")
    assert rules.class_of("stop_instance") == "reversible"


def test_the_code_declares_how_reversible_each_kind_is() -> None:
    known = dict(BY_KIND)
    assert set(known) == set(CLOUD_KINDS)
    assert known["delete_volume"] == "irreversible"


MANUAL = (Path(__file__).parents[2] / "docs" / "rules-file.md").read_text()
BLOCKS = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0] for block in BLOCKS])
def test_the_examples_of_the_manual_are_valid(block: str) -> None:
    base = re.sub(r"\n\[(caps|split|privacy|retention)\]\n(.+\n)+", "\n", RULES)
    assert load_rules(base + block) != load_rules(base) or "[split]" in block


CAPPED, KEPT = SHIPPED.caps.__dataclass_fields__, SHIPPED.retention.__dataclass_fields__


def test_the_manual_names_every_key_of_every_table() -> None:
    assert len(BLOCKS) == 7
    known = {key for block in BLOCKS for key in re.findall(r"^(\w+) =", block, re.MULTILINE)}
    for key in ("fiscal_year_starts", "accounts", "teams", "break_glass", "kinds", *CAPPED, *KEPT):
        assert key in known or f"`{key}`" in MANUAL, key
