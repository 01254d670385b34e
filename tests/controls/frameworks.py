"""What named frameworks ask, in our words, and tests of other rooms that show it besides the marked ones."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRAMEWORKS = {
    "AISVS": "OWASP AISVS 1.0 (agents: C9.2, C9.4, C9.5, C9.6)",
    "NIST": "NIST SP 800-53 revision 5",
    "SOC 2": "SOC 2 (Trust Services Criteria)",
    "DORA": "DORA and its technical standard on ICT risk management (2024/1774)",
}


@dataclass(frozen=True)
class Row:
    """One requirement. `shows`: what `tests` show besides the marked tests; `missing`: what nothing shows yet."""

    reference: str
    asks: str
    shows: str = ""
    tests: tuple[str, ...] = ()
    missing: str = ""


_GATE = "tests/approvals/test_governance.py"
_ITSELF = "tests/approvals/test_gate_itself.py"
_ROLES = "tests/postgres/test_roles.py"
_LATER_LOG = "Merkle tree, signed heads and witnesses outside the database"

ROWS: tuple[Row, ...] = (
    Row("AISVS 9.2.1", "privileged or irreversible actions wait for a person's verified approval"),
    Row("AISVS 9.2.2", "a request for approval shows every parameter, uncut and unaltered"),
    Row("AISVS 9.2.3", "each action that matters has a trusted class of how far it can be undone"),
    Row("AISVS 9.2.4", "that class is enforced"),
    Row(
        "AISVS 9.2.5", "what lets an agent change itself is bounded",
        missing="Whether the files of the installed program can be written by the agent's operating-system user is"
        " up to whoever installs it",
    ),
    Row(
        "AISVS 9.2.6", "high-risk plans are reviewed with a model's help, beside the policy and never in its place",
        "What is high-risk, and that advice arrives late or never without holding anything up.",
        ("tests/approvals/test_advice.py::test_with_any_advice_and_with_none_the_gate_says_the_same",
         "tests/app/test_second_readings.py::test_a_decision_does_not_wait_for_the_model_and_its_late_advice_is_dropped"),
    ),
    Row(
        "AISVS 9.2.7", "that review withstands manipulation and cannot be used to get round the policy",
        "A reader that was talked round is shown as plain words, and the checks made by code stand before it.",
        ("tests/agent/test_second_reading.py::test_a_model_that_obeys_a_hostile_name_is_shown_as_plain_words",
         "tests/agent/test_second_reading.py::test_a_model_that_was_talked_into_silence_silences_no_check"),
    ),
    Row("AISVS 9.2.8", "an approval is bound to parameters, requester, context and a nonce that is used once"),
    Row(
        "AISVS 9.2.9", "what issues approvals is kept away from the agent",
        "The same as each of the roles, for every table and every word of the log.",
        (f"{_ROLES}::test_a_role_can_do_nothing_that_is_not_its_own",),
        missing="On SQLite there are no roles: the separation is by process and import only. Slack's identity of a"
        " person is trusted, since the web pages have no sign-in of their own",
    ),
    Row("AISVS 9.2.10", "a chain of steps is judged by its worst"),
    Row("AISVS 9.4.2", "each step of what an agent caused is bound to the chain before it"),
    Row("AISVS 9.4.4", "what an agent keeps between turns is protected against alteration"),
    Row("AISVS 9.5.1", "policies bound which tools an agent calls and with which values"),
    Row("AISVS 9.5.3", "access is decided by code, never by a model"),
    Row("AISVS 9.5.6", "rights are judged again at each privileged action"),
    Row("AISVS 9.6.1", "people can halt the model's inference and its output at once"),
    Row("AISVS 9.6.2", "an approval that does not come in time blocks the action"),
    Row("AISVS 9.6.3", "the halt is out of the agent's reach"),
    Row(
        "NIST AC-5", "duties are separated",
        "Nobody fills two slots, nobody decides on their own request, by whatever account, group or lent role.",
        ("tests/controls/test_threats.py::test_6_nobody_approves_their_own_by_any_way",
         "tests/approvals/test_policy.py::test_nobody_fills_two_slots_and_order_does_not_matter"),
    ),
    Row(
        "NIST AU-2", "which events are logged is decided and known",
        "Every event is in one list, each is written by the process it belongs to, and refusals are events too.",
        (f"{_ROLES}::test_every_word_has_somebody_who_writes_it",
         "tests/approvals/test_vote.py::test_a_refused_vote_changes_nothing_and_stands_in_the_log"),
    ),
    Row(
        "NIST AU-3", "an entry says what, when, where, by whom and with which outcome",
        "The body holds event, times, actor, proposal and data in one canonical form, and the columns repeat it.",
        ("tests/audit/test_log.py::test_the_body_is_canonical_and_the_columns_repeat_it",),
    ),
    Row(
        "NIST AU-5", "a failure to log has a consequence",
        "No entry, no deed: both are one transaction, and the database refuses a state without its entry.",
        ("tests/audit/test_log.py::test_a_deed_that_fails_leaves_no_entry",
         "tests/approvals/test_guards.py::test_the_database_refuses_when"),
        missing="An alert to a person when the log cannot be written",
    ),
    Row(
        "NIST AU-8", "time stamps come from one clock, in UTC",
        "Every time is the database's, in UTC, and an entry with another time is refused.",
        (f"{_ROLES}::test_an_entry_is_not_dated_back_or_forward",),
        missing="A check of the database's clock against another source of time",
    ),
    Row(
        "NIST AU-9", "the log is protected against alteration and deletion",
        "The database refuses changes and deletions, and any altered bit of any row is named by the verification.",
        ("tests/audit/test_log.py::test_the_database_refuses_when",
         "tests/audit/test_verify.py::test_any_bit_of_any_column_of_any_row"),
        missing=f"AU-9(2) and AU-9(3): {_LATER_LOG}; until then a cut tail is found only with a head noted earlier",
    ),
    Row("NIST AU-10", "who did something cannot deny it", missing=f"A person's own signature on a vote; {_LATER_LOG}"),
    Row(
        "NIST AU-12", "the system generates these entries wherever something happens",
        "The database itself writes down which role wrote an entry, and rows and log agree.",
        (f"{_ROLES}::test_the_database_writes_down_who_wrote",
         f"{_ITSELF}::test_every_row_of_all_this_agrees_with_the_log"),
    ),
    Row(
        "NIST CM-3", "changes are decided on, recorded, carried out as approved and reviewed",
        "From a draft to a change that was read back, every move is told in the log.",
        ("tests/approvals/test_flow.py::test_from_a_draft_to_a_verified_change",
         "tests/approvals/test_agree.py::test_a_whole_life_agrees"),
    ),
    Row(
        "NIST CM-3(1)", "changes are prohibited until approved, unanswered ones are pointed out, the end is told",
        "People are reminded of what waits, once, and a conversation hears of the end.",
        ("tests/app/slack/test_remind.py::test_each_reminder_comes_once_from_three_replicas",
         "tests/app/test_turns.py::test_a_conversation_hears_of_the_sealing_and_of_the_end_and_of_nothing_between"),
    ),
    Row(
        "NIST CM-4", "the impact of a change is analysed before it is made",
        "State, ways back and rights are looked at before sealing and again before the claim; any difference ends it.",
        ("tests/approvals/test_seal.py::test_sealing_resolves_pins_and_fixes_bytes",
         "tests/approvals/test_claim.py::test_any_precondition_that_changed_after_the_approval_makes_it_stale"),
        missing="Dependents beyond the resource's own disks and groups",
    ),
    Row(
        "NIST CM-5(1)", "who may make changes is enforced by the system, and their use is logged",
        "Only the worker's role stores a claim or an effect, and rules change through the same votes.",
        (f"{_ROLES}::test_the_gate_cannot_move_a_proposal_into_the_workers_hands",
         f"{_ITSELF}::test_other_rules_come_into_force_by_votes_alone_and_go_back_by_votes"),
    ),
    Row(
        "SOC 2 CC8.1", "changes are authorised, tested, approved and implemented under control",
        "Each change that was carried out has its request, its votes before it and its read-back after it; the whole"
        " population of changes is held against the provider's own log both ways, and listed for a sample.",
        ("tests/approvals/test_flow.py::test_from_a_draft_to_a_verified_change",
         "tests/approvals/test_walk.py::test_nothing_that_must_never_be_is_ever_true",
         "tests/audit/test_population_year.py::test_every_planted_fault_is_found_and_nothing_else",
         "tests/app/test_audit_population_command.py::test_where_everything_fits_it_says_so_and_lists_the_population"),
        missing="A comparison that runs by itself every day; whoever asks runs it on the files of CloudTrail",
    ),
    Row(
        "DORA 9(4)(e)", "changes are recorded, tested, assessed, approved, implemented and verified",
        "Each is rehearsed or looked at, voted on, carried out once and read back; half done is told as such.",
        ("tests/approvals/test_flow.py::test_from_a_draft_to_a_verified_change",
         "tests/approvals/test_execute.py::test_a_rehearsal_walks_the_whole_way_and_changes_nothing"),
    ),
    Row(
        "DORA RTS 17", "those who approve are independent; there is a way back; emergencies are approved afterwards",
        "Requester and editors decide nothing, the way back is sealed with the change, and an emergency is reviewed by"
        " somebody who took no part.",
        ("tests/controls/test_threats.py::test_6_nobody_approves_their_own_by_any_way",
         f"{_GATE}::test_undoing_is_a_proposal_of_the_sealed_inverse",
         f"{_ITSELF}::test_an_emergency_takes_two_people_runs_in_a_freeze_and_is_reviewed"),
    ),
)  # fmt: skip


def is_there(test: str) -> bool:
    """Whether the named test exists: "tests/room/test_x.py::test_y"."""
    file, _, name = test.partition("::")
    return name in _tests_in(file)


@cache
def _tests_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions))
