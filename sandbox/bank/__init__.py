"""A mid-sized bank's cloud and AI bill, made from a seed, with the truth about what was planted in it.

Reading order: `write.py` (what is written where), `organisation.py` (accounts and teams), `calendar.py` (weeks, month
ends, seasons), `line.py` (one priced series), then the tables: `fleet.py` and `machines.py` (EC2), `tokens.py`
(language models), `services.py` with `platform_aws.py` and `platform_azure.py` (the rest), `commitments.py`; then
`events.py` and `waste.py` (what was planted) and `truth.py`, `focus.py` (the FOCUS columns), `utilisation.py`,
`folder.py`.
"""
