"""Work of a language model that may wait for a day, and is paid at the price of answers at once.

Providers take about half for what may come within a day. What may wait no bill tells, but what its workload is called
often does: a nightly evaluation, a backfill.
"""

from lake.metered import Metered
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look
from tools.rules.model_work import judge_at

FORM = Form(
    number="22",
    name="batch_work",
    title="Work of a language model that may wait, and is paid as if it might not",
    evidence=(
        "a workload that may wait, by its tag",
        "tokens by class, with their list cost, on the bill",
        "the model's price for batches, from the price list of models",
    ),
    fires="its workload is one of `workloads`, and its tokens cost less at the model's price for batches",
    limits=(
        Limit("workloads", "workloads that may wait a day, by their tag", "ours: what runs without anybody waiting"),
        Limit("least_percent", "% cheaper, at least", "ours: what is a batch already is not told again"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a release costs more"),
    ),
    saving="for each class of tokens, its cost × (1 - price for batches ÷ own price)",
    risk="low: answers come within a day, and what waits for them waits as long",
    reversibility="reversible: the requests can be sent one by one again",
    kind="",
    undo="sending the requests one by one again",
    drift=(),
    order=20,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a use of a model whose workload may wait; None for any other."""
    limits = look.limits.batch_work
    if not resource.model or resource.workload.casefold() not in {one.casefold() for one in limits.workloads}:
        return None
    why = f"{resource.model} for {resource.use_case}: the workload {resource.workload} may wait for a day"
    return judge_at(
        FORM, resource, look, model=resource.model, prices=look.batch_prices, limits=limits, why=why,
        called="a price for batches",
    )  # fmt: skip
