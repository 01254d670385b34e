"""What could be tried against the gate, and the tests that try it; the first of each is the one that answers it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Threat:
    """`later` says what of the threat no test answers yet, and what it waits for."""

    number: int
    attack: str
    tests: tuple[str, ...]
    later: str = ""


_GATE = "tests/approvals/test_governance.py"
_ITSELF = "tests/approvals/test_gate_itself.py"
_LENT = "tests/approvals/test_lent_roles.py"
_BINDING = "tests/controls/test_aisvs_binding.py"
_AISVS = "tests/controls/test_aisvs.py"
_WHO = "tests/controls/test_aisvs_identity.py"
_OWN = "tests/controls/test_threats.py"
_ROLES = "tests/postgres/test_roles.py"
_SLACK = "tests/app/slack/test_clicks_and_messages.py"

THREATS: tuple[Threat, ...] = (
    Threat(
        1, "instructions in tags, names and labels",
        (f"{_OWN}::test_1_a_hostile_name_causes_one_typed_draft_and_nothing_else",
         f"{_BINDING}::test_c9_2_7_no_text_changes_a_verdict"),
    ),
    Threat(
        2, "a card that shows something else than what is approved",
        (f"{_AISVS}::test_c9_2_2_what_cannot_be_shown_whole_is_not_approvable",
         "tests/app/slack/test_cards_of_governance.py::test_no_approvable_card_has_lost_a_character"),
    ),
    Threat(
        3, "a forged request in Slack's name",
        ("tests/app/test_guard.py::test_no_unsigned_request_passes_and_none_raises",
         "tests/app/test_guard.py::test_signed_but_not_for_us"),
    ),
    Threat(
        4, "a captured click, sent again",
        (f"{_SLACK}::test_the_right_person_approves_and_the_wrong_ones_are_told_why",
         "tests/app/test_guard.py::test_a_retry_with_a_new_signature_has_the_same_key"),
    ),
    Threat(
        5, "Slack's retries, double clicks and lost clicks",
        (f"{_SLACK}::test_a_message_that_could_not_be_stored_is_not_acknowledged_and_comes_again",
         f"{_SLACK}::test_a_message_is_a_row_before_slack_is_told_so"),
    ),
    Threat(
        6, "approving one's own request: by another account, a group, a lent role or through the agent",
        (f"{_OWN}::test_6_nobody_approves_their_own_by_any_way",
         f"{_LENT}::test_nobody_decides_on_their_own_request_by_lending",
         "tests/approvals/test_policy.py::test_may_vote"),
    ),
    Threat(
        7, "an approval of what was edited since",
        (f"{_GATE}::test_an_edit_is_another_proposal_and_voids_the_votes",
         "tests/approvals/test_policy.py::test_a_vote_on_other_bytes_is_refused"),
    ),
    Threat(
        8, "a resource that changed between the approval and the execution",
        ("tests/approvals/test_claim.py::test_any_precondition_that_changed_after_the_approval_makes_it_stale",
         "tests/approvals/test_aws.py::test_stop_protection_set_after_the_approval_makes_it_stale"),
    ),
    Threat(
        9, "one dangerous link in an approved chain, one item hidden in a batch",
        (f"{_BINDING}::test_c9_2_10_a_chain_is_as_grave_as_its_worst_step",
         f"{_BINDING}::test_c9_2_10_a_batch_is_several_proposals_each_of_its_own_class"),
    ),
    Threat(
        10, "a crash between the effect and its record",
        ("tests/approvals/test_kills.py::test_killed_at",
         "tests/chaos/test_chaos.py::test_kills_at_random_points_leave_every_effect_once_and_nothing_open"),
    ),
    Threat(
        11, "clicks, workers and replicas at the same moment",
        ("tests/approvals/test_races.py::test_many_workers_claim_one_approved_proposal_and_one_sends",
         "tests/postgres/test_replicas.py::test_two_workers_and_two_gates_make_as_many_effects_as_proposals"),
    ),
    Threat(
        12, "a conversation that is resumed twice, replayed or edited",
        ("tests/agent/test_langgraph_hazards.py::test_two_resumes_at_once_draft_once_and_say_one_answer",
         "tests/agent/test_langgraph_hazards.py::test_an_edited_checkpoint_changes_neither_what_is_open_nor_what_is_told"),
    ),
    Threat(
        13, "a checkpoint that builds objects when it is loaded",
        ("tests/agent/test_memory.py::test_a_hostile_checkpoint_builds_no_object",
         f"{_WHO}::test_c9_4_4_altered_memory_of_the_agent_decides_nothing"),
    ),
    Threat(
        14, "an administrator who edits, deletes or rewrites the log",
        ("tests/audit/test_verify.py::test_any_bit_of_any_column_of_any_row",
         "tests/audit/test_verify.py::test_a_wholly_rewritten_log_is_found_by_an_expected_head"),
        later="later, the log: without a signed head kept elsewhere, a tail that was cut or a log that was wholly"
        " rewritten is found only by somebody who noted an earlier head; Merkle tree, signature and witnesses do that.",
    ),
    Threat(
        15, "a process that logs what did not happen",
        (f"{_ROLES}::test_a_role_writes_its_own_words_and_no_others",
         "tests/approvals/test_agree.py::test_an_approval_that_the_log_does_not_know_moves_no_hand",
         "tests/audit/test_population_year.py::test_every_planted_fault_is_found_and_nothing_else"),
        later="a comparison with the provider's own log of calls that runs by itself every day; it is made when asked.",
    ),
    Threat(
        16, "clocks that differ, entries that are dated back",
        (f"{_ROLES}::test_an_entry_is_not_dated_back_or_forward",
         f"{_WHO}::test_c9_6_2_no_answer_is_no"),
        later="later, the log: times that a witness signs; a check of the database's own clock against another source.",
    ),
    Threat(
        17, "an approval that is carried out after its time",
        (f"{_WHO}::test_c9_6_2_no_answer_is_no",
         "tests/approvals/test_execute.py::test_a_worker_that_wakes_up_late_sends_nothing"),
    ),
    Threat(
        18, "an approver who left after approving",
        (f"{_WHO}::test_c9_5_6_rights_are_judged_again_at_the_claim",
         f"{_LENT}::test_a_group_gives_its_members_the_role_and_takes_it"),
    ),
    Threat(
        19, "so many cards that nobody reads them",
        (f"{_GATE}::test_nobody_approves_more_in_an_hour_than_can_be_read",),
        later="later: how long people looked before they voted, and proposals that must be rejected.",
    ),
    Threat(
        20, "lending and waiting as a way round",
        (f"{_LENT}::test_an_approval_by_a_lent_role_does_not_outlive_the_lending",
         f"{_LENT}::test_nobody_votes_twice_by_lending"),
    ),
    Threat(
        21, "rules that are changed to lower the bar",
        (f"{_ITSELF}::test_other_rules_come_into_force_by_votes_alone_and_go_back_by_votes",
         f"{_AISVS}::test_c9_2_4_the_class_decides_which_votes_are_needed"),
    ),
    Threat(
        22, "an emergency that is none",
        (f"{_ITSELF}::test_an_emergency_takes_two_people_runs_in_a_freeze_and_is_reviewed",
         f"{_ITSELF}::test_an_emergency_is_refused"),
    ),
    Threat(
        23, "a freeze that is passed by approving before and carrying out inside",
        (f"{_GATE}::test_a_freeze_holds_until_it_is_over",),
    ),
    Threat(
        24, "a kill switch that does nothing",
        (f"{_GATE}::test_with_the_kill_switch_on_nothing_is_claimed_and_what_was_approved_ends",
         f"{_WHO}::test_c9_6_1_the_kill_switch_halts_the_model_and_its_words"),
    ),
    Threat(
        25, "secrets and names in cards and in the log",
        ("tests/approvals/test_aws.py::test_sealed_bytes_hold_fingerprints_of_tags_and_no_persons_name",
         f"{_SLACK}::test_a_rejection_asks_why_and_keeps_the_reason_out_of_the_log",
         "tests/audit/test_private.py::test_erasing_a_person_leaves_the_log_verifiable_and_the_words_gone"),
    ),
    Threat(
        26, "a way back that nobody approved",
        (f"{_GATE}::test_a_rollback_that_is_not_the_sealed_inverse_cannot_be_sealed",
         "tests/app/slack/test_undo_button.py::test_the_proposal_to_undo_is_decided_by_others_like_any_other"),
    ),
)  # fmt: skip
