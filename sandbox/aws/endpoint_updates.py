"""SageMaker's UpdateEndpoint, which moto lacks: what it answers, and how an update goes on and ends.

While new machines are started the endpoint still answers from the old configuration, and names that; if they do not
start, SageMaker rolls back by itself, and the endpoint is in service as before.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.sagemaker.models import sagemaker_backends

Reply = tuple[int, str, dict[str, Any]]
"""HTTP status, the error's code (empty for none), and the body."""
_failing: set[str] = set()
"""The endpoints whose new machines will not start."""
ENDS = {"Updating": "InService", "RollingBack": "InService", "Creating": "InService"}


def let_updates_fail(endpoint: str) -> None:
    """New machines of this endpoint do not start from now on, for tests."""
    _failing.add(endpoint)


def update_endpoint(body: bytes, *, account: str, region: str) -> Reply:
    """What SageMaker answers; with `RetainAllVariantProperties` the number of machines stays."""
    told = json.loads(body or b"{}")
    backend = sagemaker_backends[account][region]
    name, config = str(told.get("EndpointName")), str(told.get("EndpointConfigName"))
    one, made = backend.endpoints.get(name), backend.endpoint_configs.get(config)
    if one is None:
        return 400, "ValidationException", {"message": f'Could not find endpoint "{name}".'}
    if made is None:
        return 400, "ValidationException", {"message": f'Could not find endpoint configuration "{config}".'}
    if not told.get("RetainAllVariantProperties"):
        one.production_variants = one._process_production_variants(made.production_variants)
    vars(one)["before"] = one.endpoint_config_name
    one.endpoint_config_name = config
    one.last_modified_time = datetime.now(UTC).replace(tzinfo=None)
    if name in _failing:
        begin_update(one)
    return 200, "", {"EndpointArn": one.arn}


def begin_update(one: Any) -> None:
    """Lets an update be seen on its way: the old configuration, until the new machines are there."""
    one.endpoint_status, vars(one)["pending"] = "Updating", one.endpoint_config_name
    one.endpoint_config_name = vars(one)["before"]


def finish_update(one: Any) -> None:
    """The next thing that happens to an endpoint on its way: it arrives, or begins to roll back."""
    if one.endpoint_status == "Updating" and one.endpoint_name in _failing:
        one.endpoint_status = "RollingBack"
        vars(one).pop("pending", None)
        return
    one.endpoint_status = ENDS[one.endpoint_status]
    one.endpoint_config_name = vars(one).pop("pending", one.endpoint_config_name)
