"""What the documents tell people to type is typed here, and what they point at is there."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
BILL = ROOT / "tests" / "lake" / "focus_sample_twin.csv"


def commands() -> list[str]:
    found = []
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text()):
            found += [line.split("  #")[0].strip() for line in block.splitlines() if line.strip()]
    return list(dict.fromkeys(found))


def test_there_are_commands_to_try() -> None:
    assert len([line for line in commands() if line.startswith("./dev run")]) >= 5


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("./dev ")])
def test_dev_knows_what_the_documents_name(line: str) -> None:
    verb = shlex.split(line)[1]
    assert re.search(rf"^    {verb}\)$|^    {verb}\) ", (ROOT / "dev").read_text(), re.MULTILINE), line


def _stand_in(word: str, before: str, folder: Path) -> str:
    """The sample bill for a reader's own, and a file of this test for one that is written."""
    if not word.endswith((".csv", ".parquet")):
        return word
    return str(folder / word) if before == "--out" else str(BILL)


@pytest.mark.slow
def test_the_commands_of_the_documents_work_in_their_order(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SPENDGATE_HOME": str(tmp_path / "home")}
    ran = 0
    for line in commands():
        words = shlex.split(line)
        if words[:2] != ["./dev", "run"]:
            continue
        words = [_stand_in(word, before, tmp_path) for before, word in pairwise(words[1:])]
        done = subprocess.run(
            [sys.executable, "-m", "app", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0 or "no charge" in told.lower(), f"{line}\n{told}"
        assert "Traceback" not in told
        ran += 1
    assert ran >= 5


def test_every_setting_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "running.md").read_text()
    used = set()
    for source in (ROOT / "app").rglob("*.py"):
        used |= set(re.findall(r'"(SPENDGATE_[A-Z_]+[A-Z])"', source.read_text()))
    undocumented = {name for name in used if name not in manual} - {"SPENDGATE_DEBUG"}
    assert undocumented == set()


def test_every_word_of_the_glossary_is_explained_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert len(words) == len(set(words)) > 30
    assert words == sorted(words, key=str.lower)
