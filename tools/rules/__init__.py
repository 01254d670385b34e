"""The rule catalogue: one rule a file, each a pure reading of evidence rows against thresholds with their source.

Read `form.py` (what every rule tells of itself), `thresholds.py` (the numbers, a file for each kind of resource) with
`configured.py` (how a home sets them), `evidence.py` and `measured.py` (what a rule says, and when too little was
measured); then the rules: `idle_gpu.py`, those of the bill's meters, whose verdicts are `judged.py` (`idle_machine.py`,
`rightsize.py` with `projected.py`, `old_generation.py`, `off_hours.py` with `office_hours.py`, `group_minimum.py`,
`old_disk.py`, `idle_address.py`, `idle_endpoint.py`, `oversized_endpoint.py`, `oversized_endpoint_type.py` and
`endpoint_without_scaling.py` with `endpoint_machines.py`, `unused_throughput.py`, `unused_capacity.py`,
`log_retention.py`, `notebook.py`),
those that also go by a list of what stands in EC2 (`listed.py`, `long_stopped.py`, `unattached_disk.py`,
`old_snapshot.py`), those of language models (`model_work.py`, `cheaper_model.py`, `batch_work.py`,
`prompt_caching.py`), those of keys of a gateway, by the hour and before any bill (`gateway_use.py`, `key_runaway.py`,
`retry_storm.py`, `agent_loop.py`), that of projects at OpenAI, by the day (`project_runaway.py`; `own_level.py` is what
runaways share), and that of access keys, which no bill names (`unused_key.py`). `saving.py`, `money.py` and
`portfolio.py` reckon what is promised and add nothing up twice, `realised.py` what came of it; `catalogue.py` lists all
rules.
"""
