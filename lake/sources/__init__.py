"""Where charges come from. `port.py` is what a kind of bill must tell, `shapes.py` lists those that do.

Providers' interfaces: `paged_api.py` (one patient request), `kept_pages.py` and `windows.py` (what was pulled, what
to pull again), `billed_usage.py` (bill and usage joined), `api_charges.py` (as FOCUS rows); then one module a
provider, `openai_api.py`, `anthropic_api.py`, `litellm.py`, behind the port in `api_source.py`. `s3.py` brings files
from buckets, `cloudwatch.py` hourly usage.
"""
