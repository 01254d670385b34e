"""All rules in the order of the catalogue, and the page that people read of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lake.metered import Metered
from tools.rules import (
    agent_loop,
    batch_work,
    cheaper_model,
    endpoint_without_scaling,
    group_minimum,
    idle_address,
    idle_endpoint,
    idle_gpu,
    idle_machine,
    key_runaway,
    log_retention,
    long_stopped,
    notebook,
    off_hours,
    old_disk,
    old_generation,
    old_snapshot,
    oversized_endpoint,
    oversized_endpoint_type,
    project_runaway,
    prompt_caching,
    retry_storm,
    rightsize,
    unattached_disk,
    unused_capacity,
    unused_key,
    unused_throughput,
)
from tools.rules.form import Form
from tools.rules.gateway_use import SECTION
from tools.rules.judged import Judgement, Look
from tools.rules.thresholds import SavingsThresholds

Judge = Callable[[Metered, Look], Judgement | None]

BILL_RULES: tuple[Judge, ...] = (
    idle_machine.judge,
    rightsize.judge,
    old_generation.judge,
    idle_endpoint.judge,
    oversized_endpoint.judge,
    endpoint_without_scaling.judge,
    oversized_endpoint_type.judge,
    unused_throughput.judge,
    unused_capacity.judge,
    notebook.judge,
    off_hours.judge,
    old_disk.judge,
    idle_address.judge,
    unattached_disk.judge,
    old_snapshot.judge,
    log_retention.judge,
)
"""The rules about a resource that is billed by its id."""

GROUP_RULES: tuple[Judge, ...] = (group_minimum.judge,)
"""The rules about a scaling group, which is billed by its machines."""

MODEL_RULES: tuple[Judge, ...] = (cheaper_model.judge, batch_work.judge, prompt_caching.judge)
"""The rules about a use of a language model, which is billed by classes of tokens."""

JudgeKey = Callable[..., Judgement | None]

GATEWAY_RULES: tuple[JudgeKey, ...] = (key_runaway.judge, retry_storm.judge, agent_loop.judge)
"""The rules about a key of a gateway, whose hours are told before any bill."""

FORMS: tuple[Form, ...] = (
    idle_gpu.FORM,
    idle_machine.FORM,
    rightsize.FORM,
    old_generation.FORM,
    long_stopped.FORM,
    off_hours.FORM,
    group_minimum.FORM,
    unused_capacity.FORM,
    idle_endpoint.FORM,
    oversized_endpoint.FORM,
    oversized_endpoint_type.FORM,
    endpoint_without_scaling.FORM,
    notebook.FORM,
    cheaper_model.FORM,
    batch_work.FORM,
    prompt_caching.FORM,
    key_runaway.FORM,
    project_runaway.FORM,
    retry_storm.FORM,
    agent_loop.FORM,
    unused_key.FORM,
    unused_throughput.FORM,
    old_disk.FORM,
    idle_address.FORM,
    unattached_disk.FORM,
    old_snapshot.FORM,
    log_retention.FORM,
)

SECTIONS = {
    idle_gpu.FORM.name: "idle_gpu",
    idle_machine.FORM.name: "idle_machine",
    rightsize.FORM.name: "rightsize",
    old_generation.FORM.name: "old_generation",
    long_stopped.FORM.name: "long_stopped",
    off_hours.FORM.name: "off_hours",
    group_minimum.FORM.name: "group_minimum",
    unused_capacity.FORM.name: "unused_capacity",
    idle_endpoint.FORM.name: "idle_endpoint",
    oversized_endpoint.FORM.name: "oversized_endpoint",
    oversized_endpoint_type.FORM.name: "oversized_endpoint_type",
    endpoint_without_scaling.FORM.name: "endpoint_without_scaling",
    notebook.FORM.name: "notebook",
    cheaper_model.FORM.name: "cheaper_model",
    batch_work.FORM.name: "batch_work",
    prompt_caching.FORM.name: "prompt_caching",
    key_runaway.FORM.name: SECTION,
    project_runaway.FORM.name: "project_runaway",
    retry_storm.FORM.name: SECTION,
    agent_loop.FORM.name: SECTION,
    unused_key.FORM.name: "unused_key",
    unused_throughput.FORM.name: "unused_throughput",
    old_disk.FORM.name: "old_disk",
    idle_address.FORM.name: "idle_address",
    unattached_disk.FORM.name: "unattached_disk",
    old_snapshot.FORM.name: "old_snapshot",
    log_retention.FORM.name: "log_retention",
}
"""Which table of `savings.toml` holds a rule's limits: the name of the field of `SavingsThresholds`."""

IDS = "|".join(
    (
        r"(^|/)i-[0-9a-f]{8,17}$",
        r"(^|/)vol-[0-9a-f]{8,17}$",
        r"(^|/)snap-[0-9a-f]{8,17}$",
        r"(^|/)eipalloc-[0-9a-f]{8,17}$",
        r":notebook-instance/[A-Za-z0-9-]+$",
        r":endpoint/[A-Za-z0-9-]+$",
        r":provisioned-model/[a-z0-9]{12}$",
        r":capacity-reservation/cr-[0-9a-f]{8,17}$",
        r":log-group:[A-Za-z0-9_/.#-]+$",
    )
)
"""The ids of the resources that the rules of the bill are about."""


def document(limits: SavingsThresholds) -> str:
    """`docs/rules.md`, made of the forms and the limits as shipped."""
    head = [
        "# The rules of savings",
        "",
        "Made from the rules themselves by `python -m tools.rules.catalogue`; a test holds the page and the code"
        " together. A rule whose evidence is missing says *unknown* and what is missing; it never guesses. Limits can"
        " be changed in `savings.toml` in Spendgate's home: a table for each rule, the keys of the lists below.",
        "",
        f"Every rule looks at the last {limits.look_back_days} days (`look_back_days`, a key of its own before the"
        " tables)."
        f" A month is {limits.hours_per_month} hours. Every saving is told three times: at list price, as effective"
        " cost, and in cash. Cash leaves out what a commitment covers, since that is paid whatever happens; it is the"
        " figure that people decide on. Its interval runs from the cheapest day with no reuse of a freed commitment to"
        " the dearest day with full reuse. Where two rules speak about one resource, the total takes the first by their"
        " order and of the next only what is left: it is never a sum of independent estimates."
        " What runs away (24 to 26) is reckoned for the case that it goes on, of keys by a gateway's own estimates, and"
        " counts in no total.",
        "",
        "| rule | what it finds | change | can it be undone |",
        "|---|---|---|---|",
        *(f"| {one.number} `{one.name}` | {one.title} | {_change(one)} | {one.reversibility} |" for one in FORMS),
    ]
    parts = [line for one in FORMS for line in _section(one, getattr(limits, SECTIONS[one.name]))]
    return "\n".join([*head, *parts]) + "\n"


def _section(form: Form, limits: Any) -> list[str]:
    return [
        "",
        f"## {form.number} {form.title}",
        "",
        f"- **Fires** when {form.fires}.",
        f"- **Evidence needed**: {'; '.join(form.evidence)}.",
        f"- **Saving**: {form.saving}.",
        f"- **Risk**: {form.risk}.",
        f"- **Reversibility**: {form.reversibility}.",
        f"- **Change**: {_change(form)}; undone by {form.undo}.",
        *(
            [f"- **Refused at the claim** if any of these changed since it was sealed: {', '.join(form.drift)}."]
            if form.drift
            else []
        ),
        f"- **Limits** (`[{SECTIONS[form.name]}]` in `savings.toml`):",
        "",
        "| key | shipped | unit | source |",
        "|---|---|---|---|",
        *(f"| `{one.key}` | {_value(getattr(limits, one.key))} | {one.unit} | {one.source} |" for one in form.limits),
    ]


def _change(form: Form) -> str:
    return f"`{form.kind}`" if form.kind else "none of ours: people carry it out"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) or "none"


if __name__ == "__main__":
    print(document(SavingsThresholds()), end="")
