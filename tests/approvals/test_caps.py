"""Caps, and the sum by which a change that was split is judged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.caps import DAY, HOUR, Capped, Caps, Claimed, capped, fatigued
from approvals.split import Earlier, summed, told

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def claimed(minutes: float, account: str | None = "1", amount: str | None = "100", currency: str = "USD") -> Claimed:
    return Claimed(NOW - timedelta(minutes=minutes), account, None if amount is None else Decimal(amount), currency)


def ask(
    caps: Caps, *claims: Claimed, amount: str | None = "100", account: str | None = "1", currency: str | None = "USD"
) -> Capped | None:
    value = None if amount is None else Decimal(amount)
    return capped(caps, claims=claims, now=NOW, account=account, amount=value, currency=currency)


TWO = Caps(changes_per_hour=2)
ONE_HERE = Caps(changes_per_hour=9, changes_per_account_per_hour=1)
THOUSAND = Caps(amount_per_day=Decimal(1000))
ROWS = [
    ("nothing was claimed yet", TWO, [], {}, None, None),
    ("one of two", TWO, [claimed(5)], {}, None, None),
    ("two of two: when the older is an hour old", TWO, [claimed(5), claimed(50)], {}, "cap_changes", 10),
    ("an hour ago to the moment counts no more", TWO, [claimed(5), claimed(60)], {}, None, None),
    ("three, after the cap was lowered", TWO, [claimed(5), claimed(20), claimed(50)], {}, "cap_changes", 40),
    ("a claim of the future, after a clock went back", TWO, [claimed(-5), claimed(50)], {}, "cap_changes", 10),
    ("another account", ONE_HERE, [claimed(5, "2")], {}, None, None),
    ("the same account", ONE_HERE, [claimed(5)], {}, "cap_account", 55),
    ("an account that is not known counts in each", ONE_HERE, [claimed(5, None)], {}, "cap_account", 55),
    ("asked for an account that is not known", ONE_HERE, [claimed(5, "2")], {"account": None}, "cap_account", 55),
    ("room for the amount, to the cent", THOUSAND, [claimed(5, amount="900")], {}, None, None),
    ("a cent too much", THOUSAND, [claimed(60, amount="900.01")], {}, "cap_amount", 23 * 60),
    ("yesterday counts no more", THOUSAND, [claimed(24 * 60, amount="900.01")], {}, None, None),
    ("a refund makes no room", THOUSAND, [claimed(60, amount="-950")], {}, "cap_amount", 23 * 60),
    ("an unknown amount passes alone", THOUSAND, [], {"amount": None}, None, None),
    ("an unknown amount beside another", THOUSAND, [claimed(60)], {"amount": None}, "cap_amount", 23 * 60),
    ("beside an unknown amount", THOUSAND, [claimed(60, amount=None)], {}, "cap_amount", 23 * 60),
    ("another currency is not known", THOUSAND, [claimed(60, currency="EUR")], {}, "cap_amount", 23 * 60),
    ("nothing at all costs nothing", THOUSAND, [claimed(60, amount="1000")], {"amount": "0"}, None, None),
    ("more than a day allows can never pass", THOUSAND, [], {"amount": "1000.01"}, "cap_amount_never", None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "caps", "claims", "asked", "code", "minutes"), ROWS, ids=[row[0] for row in ROWS])
def test_a_cap(
    what: str, caps: Caps, claims: list[Claimed], asked: dict[str, str | None], code: str | None, minutes: int | None
) -> None:
    found = ask(caps, *claims, **asked)
    assert (found.code if found else None) == code
    if found is not None:
        assert found.until == (None if minutes is None else NOW + timedelta(minutes=minutes))
        assert found.reason
        assert not found.allowed


def test_the_cap_that_holds_longest_is_told() -> None:
    both = Caps(changes_per_hour=1, amount_per_day=Decimal(1000))
    assert ask(both, claimed(5, amount="950")).code == "cap_amount"  # type: ignore[union-attr]
    assert ask(both, claimed(5, amount="950"), amount="2000").code == "cap_amount_never"  # type: ignore[union-attr]
    assert ask(both, claimed(5, amount="50")).code == "cap_changes"  # type: ignore[union-attr]


def test_what_can_never_pass_is_told_with_what_would_have_to_change() -> None:
    found = ask(THOUSAND, amount="120000")
    assert found is not None
    assert "120,000 USD is more than the 1,000 USD" in found.reason
    assert "amount_per_day" in found.reason


def test_no_cap_holds_a_change_of_the_gate_itself() -> None:
    caps = Caps(changes_per_hour=1, amount_per_day=Decimal(1))
    given = {"claims": [claimed(5)], "now": NOW, "account": None, "amount": None, "currency": None}
    assert capped(caps, **given, class_name="policy") is None  # type: ignore[arg-type]
    assert capped(caps, **given, class_name="reversible") is not None  # type: ignore[arg-type]


def test_who_approves_too_often_waits() -> None:
    caps = Caps(votes_per_person_per_hour=3)
    votes = [NOW - timedelta(minutes=minutes) for minutes in (10, 20, 30)]
    found = fatigued(caps, votes=votes, now=NOW)
    assert found is not None
    assert (found.code, found.until) == ("cap_votes", NOW + timedelta(minutes=30))
    assert fatigued(caps, votes=votes[:2], now=NOW) is None
    assert fatigued(Caps(), votes=votes * 50, now=NOW) is None


def test_each_cap_that_is_set_is_told() -> None:
    assert Caps().sentences() == ()
    assert len(Caps(1, 1, Decimal(5000000), 1).sentences()) == 4
    assert "at most 5,000,000 USD in 24 hours" in Caps(amount_per_day=Decimal(5000000)).sentences()


@given(
    gaps=st.lists(st.integers(0, 3000), max_size=60),
    accounts=st.lists(st.sampled_from(["1", "2", None]), min_size=60, max_size=60),
    most=st.integers(1, 4),
    here=st.integers(1, 3),
)
def test_no_sliding_hour_ever_holds_more_than_is_allowed(
    gaps: list[int], accounts: list[str | None], most: int, here: int
) -> None:
    caps = Caps(changes_per_hour=most, changes_per_account_per_hour=here)
    moment = NOW
    admitted: list[Claimed] = []
    for gap, account in zip(gaps, accounts, strict=False):
        moment += timedelta(seconds=gap)
        asked = {"claims": admitted, "account": account, "amount": None, "currency": None}
        held = capped(caps, now=moment, **asked)  # type: ignore[arg-type]
        if held is None:
            admitted.append(Claimed(moment, account, None, None))
        else:
            assert held.until is not None
            assert held.until > moment
            alone = Caps(changes_per_hour=most) if held.code == "cap_changes" else Caps(None, here)
            assert capped(alone, now=held.until, **asked) is None  # type: ignore[arg-type]
    for one in admitted:
        hour = [other for other in admitted if one.at <= other.at < one.at + HOUR]
        assert len(hour) <= most
        assert all(sum(other.account == account for other in hour) <= here for account in ("1", "2", None))


@given(amounts=st.lists(st.integers(1, 400), max_size=40), gaps=st.lists(st.integers(0, 600), min_size=40, max_size=40))
def test_no_sliding_day_ever_holds_more_money_than_is_allowed(amounts: list[int], gaps: list[int]) -> None:
    moment = NOW
    admitted: list[Claimed] = []
    for amount, gap in zip(amounts, gaps, strict=False):
        moment += timedelta(minutes=gap)
        value = Decimal(amount)
        asked = {"claims": admitted, "account": "1", "amount": value, "currency": "USD"}
        held = capped(THOUSAND, now=moment, **asked)  # type: ignore[arg-type]
        if held is None:
            admitted.append(Claimed(moment, "1", value, "USD"))
        else:
            assert held.until is not None
            assert capped(THOUSAND, now=held.until, **asked) is None  # type: ignore[arg-type]
            assert capped(THOUSAND, now=held.until - timedelta(seconds=1), **asked) is not None  # type: ignore[arg-type]
    for one in admitted:
        day = [other.amount for other in admitted if one.at <= other.at < one.at + DAY and other.amount is not None]
        assert sum(day) <= 1000


def earlier(resource: str, amount: str | None, currency: str | None = "USD") -> Earlier:
    return Earlier(resource, None if amount is None else Decimal(amount), currency)


SUMS = [
    ("nothing before it", "24000", [], "24000", 0),
    ("two others", "24000", [earlier("a", "30000"), earlier("b", "7000")], "61000", 2),
    ("a resource counts once, with its highest", "24000", [earlier("a", "30000"), earlier("a", "29000")], "54000", 1),
    ("its own resource is counted once", "24000", [earlier("own", "20000")], "24000", 0),
    ("its own resource, dearer before", "24000", [earlier("own", "25000")], "25000", 0),
    ("its own resource, unknown before", "24000", [earlier("own", None)], "24000", 0),
    ("a refund hides no cost", "24000", [earlier("a", "-30000")], "54000", 1),
    ("nothing of its own beside others", "0", [earlier("a", "30000")], "30000", 1),
    ("another currency", "24000", [earlier("a", "1", "EUR"), earlier("b", "1")], None, 2),
    ("an unknown amount", "24000", [earlier("a", None)], None, 1),
    ("unknown once is unknown", "24000", [earlier("a", None), earlier("a", "5")], None, 1),
    ("its own amount is unknown", None, [earlier("a", "5")], None, 1),
    ("no number", "24000", [earlier("a", "NaN")], None, 1),
]


@pytest.mark.parametrize(("what", "amount", "before", "total", "others"), SUMS, ids=[row[0] for row in SUMS])
def test_what_a_proposal_adds_up_to(
    what: str, amount: str | None, before: list[Earlier], total: str | None, others: int
) -> None:
    own = None if amount is None else Decimal(amount)
    found = summed(own, "USD", before, resource="own")
    assert (found.amount, found.others) == (None if total is None else Decimal(total), others)


def test_the_sum_is_told_with_whose_and_since_when() -> None:
    before = [earlier("a", "30000"), earlier("b", "7000")]
    found = summed(Decimal(24000), "USD", before, scope="team fraud")
    assert found.words() == "24,000 USD alone, 61,000 USD with 2 others of team fraud within 30 days"
    found = summed(Decimal("24000.5"), "USD", [earlier("a", "1", "EUR")], days=1)
    assert found.words() == "24,000.50 USD alone, with 1 other within 1 day, of which 1 cannot be added in USD"
    assert summed(Decimal(1), "USD", []).words() == ""
    assert summed(None, None, [earlier("a", "1")]).words().startswith("an unknown amount alone, with 1 other")


def test_an_amount_that_nobody_could_read_is_shortened() -> None:
    assert told(Decimal("1E+5000"), "USD") == "1.000E+5000 USD"
    assert told(Decimal("NaN"), "USD") == told(None, None) == "an unknown amount"
