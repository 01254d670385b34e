"""docs/controls.md, made of the marks on the tests and of the tables beside them: `./dev controls`."""

from tests.controls import test_aisvs, test_aisvs_binding, test_aisvs_identity
from tests.controls.control import Control, controls_of
from tests.controls.frameworks import FRAMEWORKS, ROOT, ROWS, Row
from tests.controls.threats import THREATS

PATH = ROOT / "docs" / "controls.md"
HEAD = """# Controls, and the tests that show them

Which requirement of which framework is shown by which test. Generated from the tests by `./dev controls`, and checked \
by one; do not edit it by hand. Each named test runs in `./dev test --all`.

This is a map for whoever assesses an installation. It is no certificate, no audit and no claim of compliance: most of \
these frameworks ask for people, contracts and operations that no test of a program can show. The requirements are \
told in our words; the frameworks' own texts count.

**Not covered yet:** a sign-in of \
the web pages' own (Slack's and the operating system's identities are trusted); a comparison with the cloud's own \
log of calls that runs by itself every day (`spendgate audit population` makes it when asked). On SQLite the \
separation of processes is by import and environment only, not by database roles.
"""


def marked() -> dict[str, Control]:
    """Every marked test by its id."""
    modules = (test_aisvs, test_aisvs_binding, test_aisvs_identity)
    return {test: one for module in modules for test, one in controls_of(module).items()}


def document() -> str:
    """The whole page."""
    found = marked()
    parts = [HEAD]
    for prefix, title in FRAMEWORKS.items():
        rows = [row for row in ROWS if row.reference.startswith(f"{prefix} ")]
        parts.append(f"## {title}\n\n| item | asks that | shown | not shown |\n|---|---|---|---|\n")
        parts[-1] += "\n".join(_row(row, found, prefix) for row in rows) + "\n"
    parts.append("## Threats\n\n| # | attack | tests | not answered yet |\n|---|---|---|---|\n")
    parts[-1] += "\n".join(
        f"| {one.number} | {one.attack} | {_named(one.tests)} | {one.later or '–'} |" for one in THREATS
    )
    return "\n".join(parts) + "\n"


def _row(row: Row, found: dict[str, Control], prefix: str) -> str:
    mine = {name: control for name, control in found.items() if row.reference in control.references}
    shown = [f"{control.shows} {_named((name,))}" for name, control in mine.items()]
    if row.shows:
        shown.append(f"{row.shows} {_named(row.tests)}")
    missing = [*(control.short_of for control in mine.values() if control.short_of), row.missing]
    told = " ".join(one if one.endswith(".") else f"{one}." for one in missing if one) or "–"
    return f"| {row.reference.removeprefix(f'{prefix} ')} | {row.asks} | {'<br>'.join(shown)} | {told} |"


def _named(tests: tuple[str, ...]) -> str:
    """Each test by its id, which opens its file."""
    return ", ".join(f"[`{test.partition('::')[2]}`](../{test.partition('::')[0]})" for test in tests)


def unshown() -> list[str]:
    """Rows that no test shows, and marks that no row asks for."""
    referred = {reference for control in marked().values() for reference in control.references}
    asked = {row.reference for row in ROWS}
    return [
        *(row.reference for row in ROWS if row.reference not in referred and not row.tests),
        *sorted(referred - asked),
    ]


if __name__ == "__main__":
    PATH.write_text(document())
