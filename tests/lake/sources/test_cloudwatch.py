"""Usage from CloudWatch by the real client on loopback: pages, throttling, what is not known, resuming."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber

from lake import usage_pull
from lake.engine import Lake
from lake.errors import LakeError
from lake.sources import aws_client, cloudwatch
from lake.sources.cloudwatch import CloudWatch, Series
from lake.sources.cloudwatch_metrics import MEASURES, resource_of
from lake.sources.one_pull import sole
from lake.usage import hours, utilisation
from lake.usage_pull import pull

NOW = datetime(2026, 11, 23, 9, 25, tzinfo=UTC)
START = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def client(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    import httpx

    httpx.post(f"{moto}/moto-api/reset")
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    return aws_client.client("cloudwatch")


def put(client: Any, namespace: str, metric: str, values: dict[int, float], **dimensions: str) -> None:
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Timestamp": START + timedelta(hours=hour, minutes=20),
                "Value": value,
            }
            for hour, value in values.items()
        ],
    )


def pulled(client: Any, lake: Lake, tmp_path: Path, *, now: datetime = NOW, since: date | None = None) -> Any:
    return pull(lake, CloudWatch(client), folder=tmp_path / "usage", now=now, since=since)


def used(lake: Lake, *names: str) -> Any:
    return utilisation(lake.store, names, start=START, end=START + timedelta(days=10))


def test_each_metric_in_its_column_and_what_is_missing_unknown(client: Any, lake: Lake, tmp_path: Path) -> None:
    put(client, "AWS/EC2", "CPUUtilization", {0: 12.5, 1: 40}, InstanceId="i-1")
    put(client, "AWS/EC2", "NetworkIn", {0: 1000, 1: 5}, InstanceId="i-1")
    put(client, "AWS/EC2", "NetworkOut", {0: 500}, InstanceId="i-1")
    put(client, "CWAgent", "mem_used_percent", {1: 61.25}, InstanceId="i-1", InstanceType="g5.xlarge")
    for index, busy in (("0", 80), ("1", 20)):
        put(client, "CWAgent", "nvidia_smi_utilization_gpu", {0: busy}, InstanceId="i-1", index=index, name="A10G")
    put(client, "CWAgent", "nvidia_smi_memory_used", {0: 6000, 1: 1}, InstanceId="i-1", index="0")
    put(client, "CWAgent", "nvidia_smi_memory_total", {0: 24000}, InstanceId="i-1", index="0")
    for variant, count in (("blue", 3), ("green", 4)):
        put(client, "AWS/SageMaker", "Invocations", {0: count}, EndpointName="api", VariantName=variant)
    put(client, "AWS/SageMaker", "Invocations", {0: 7}, EndpointName="api")  # the same once more
    put(client, "AWS/Bedrock", "InputTokenCount", {0: 900, 1: 50}, ModelId="claude")
    put(client, "AWS/Bedrock", "OutputTokenCount", {0: 100}, ModelId="claude")
    put(client, "AWS/ApplicationELB", "RequestCount", {0: 33}, LoadBalancer="app/web/50dc6c495c0c9188")
    put(client, "AWS/ApplicationELB", "RequestCount", {0: 30}, LoadBalancer="app/web/50dc6c495c0c9188", TargetGroup="t")
    done = pulled(client, lake, tmp_path)
    assert (done.resources, done.unreadable, done.start, done.end) == (
        4,
        0,
        datetime(2026, 11, 8, 9, tzinfo=UTC),
        datetime(2026, 11, 23, 9, tzinfo=UTC),
    )
    found = used(lake, "i-1", "arn:aws:sagemaker:eu-west-1:1:endpoint/api", "claude", "50dc6c495c0c9188")
    machine = found["i-1"]
    assert (machine.cpu_max_percent, machine.memory_max_percent) == (Decimal(40), Decimal("61.25"))
    assert (machine.gpu_active_percent, machine.gpu_memory_max_percent) == (Decimal(50), Decimal(25))
    assert machine.network_mb_per_day == Decimal("0.0015")  # the second hour has no NetworkOut: not known
    assert machine.hours["network_bytes"] == 1
    assert machine.encoder_active_percent is None
    assert found["arn:aws:sagemaker:eu-west-1:1:endpoint/api"].invocations == 7
    assert (found["claude"].tokens, found["claude"].hours["tokens"], found["claude"].invocations) == (1000, 1, None)
    assert found["50dc6c495c0c9188"].requests == 33


def test_an_endpoint_of_several_variants_has_no_cpu_that_speaks_for_all(
    client: Any, lake: Lake, tmp_path: Path
) -> None:
    namespace = "/aws/sagemaker/Endpoints"
    put(client, namespace, "CPUUtilization", {0: 1280}, EndpointName="alone", VariantName="main")
    put(client, namespace, "GPUUtilization", {0: 312.5}, EndpointName="alone", VariantName="main")
    for variant, cpu in (("blue", 300), ("green", 400)):
        put(client, namespace, "CPUUtilization", {0: cpu}, EndpointName="both", VariantName=variant)
        put(client, "AWS/SageMaker", "Invocations", {0: 3}, EndpointName="both", VariantName=variant)
    put(client, namespace, "CPUUtilization", {0: 400}, EndpointName="both")
    done = pulled(client, lake, tmp_path)
    told = {one.resource_id: one for one in hours(lake.store, ("alone", "both"), start=done.start, end=done.end)}
    assert (told["alone"].cpu_cores_pct, told["alone"].gpu_cards_pct) == (Decimal(1280), Decimal("312.5"))
    assert (told["both"].cpu_cores_pct, told["both"].invocations) == (None, 6)


def test_pages_batches_and_a_second_pull_of_what_may_be_late(
    client: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "MOST_QUERIES", 2)
    for number in range(5):
        put(client, "AWS/EC2", "CPUUtilization", {number: number}, InstanceId=f"i-{number}")
    assert pulled(client, lake, tmp_path).resources == 5
    put(client, "AWS/EC2", "CPUUtilization", {48: 77}, InstanceId="i-1")  # came late, within two days
    put(client, "AWS/EC2", "CPUUtilization", {5: 99}, InstanceId="i-2")  # later than that
    later = pulled(client, lake, tmp_path, now=NOW + timedelta(hours=3))
    assert (later.start, later.end) == (NOW.replace(minute=0) - timedelta(hours=48), NOW.replace(hour=12, minute=0))
    assert [one.cpu_max_pct for one in hours(lake.store, ["i-1"], start=START, end=NOW)] == [Decimal(1), Decimal(77)]
    assert [one.hour for one in hours(lake.store, ["i-2"], start=START, end=NOW)] == [START + timedelta(hours=2)]
    pulled(client, lake, tmp_path, now=NOW + timedelta(hours=4), since=date(2026, 11, 20))
    assert len(hours(lake.store, ["i-2"], start=START, end=NOW)) == 2


class Answers:
    """Counts the requests that reach the server, and answers some itself."""

    def __init__(self, client: Any, *, refuse: int = 0, code: str = "ThrottlingException", after: int = 0) -> None:
        self.asked, self.refuse, self.code, self.after = 0, refuse, code, after
        client.meta.events.register("before-send.cloudwatch.GetMetricData", self)

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        self.asked += 1
        if not self.after < self.asked <= self.after + self.refuse:
            return None

        class Raw:
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield b""

        body = f"<ErrorResponse><Error><Code>{self.code}</Code><Message>no</Message></Error></ErrorResponse>".encode()
        import json

        if "cbor" in request.headers.get("Content-Type", b"").decode() or "json" in str(request.headers):
            body = json.dumps({"__type": self.code, "message": "no"}).encode()
        made = AWSResponse(
            request.url, 400, {"x-amzn-errortype": self.code, "x-amzn-query-error": f"{self.code};Sender"}, Raw()
        )
        made._content = body
        return made


def test_throttling_is_waited_for(client: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(client, "AWS/EC2", "CPUUtilization", {0: 5}, InstanceId="i-1")
    slept: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", slept.append)
    answers = Answers(client, refuse=3, code="Throttling")
    assert pulled(client, lake, tmp_path).hours == 1
    assert (answers.asked, len(slept)) == (4, 3)


def test_a_pull_that_was_cut_off_goes_on_behind_what_it_has(
    client: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "MOST_QUERIES", 1)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    for number in range(4):
        put(client, "AWS/EC2", "CPUUtilization", {0: number}, InstanceId=f"i-{number}")
    answers = Answers(client, refuse=100, code="Throttling", after=2)
    with pytest.raises(LakeError, match="left alone"):
        pulled(client, lake, tmp_path)
    assert lake.store.usage() is None
    answers.refuse, answers.asked = 0, 0
    done = pulled(client, lake, tmp_path, now=NOW + timedelta(days=1))
    assert (done.resources, answers.asked) == (4, 2)  # the two that were read are not asked for again
    assert done.end == NOW.replace(minute=0)  # it was about these hours; the next pull takes up the day since


def test_since_reaches_back_and_leaves_no_hour_out(client: Any, lake: Lake, tmp_path: Path) -> None:
    end = NOW.replace(minute=0)
    first = pulled(client, lake, tmp_path, since=date(2026, 11, 22))
    assert first.start == end - usage_pull.FIRST_TIME
    later = pulled(client, lake, tmp_path, now=NOW + timedelta(days=5), since=date(2026, 11, 28))
    assert later.start == end - usage_pull.LATE


def test_since_takes_over_the_hours_of_a_pull_that_was_cut_off(
    client: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    put(client, "AWS/EC2", "CPUUtilization", {0: 1}, InstanceId="i-1")
    answers = Answers(client, refuse=100)
    with pytest.raises(LakeError):
        pulled(client, lake, tmp_path, since=date(2026, 9, 1))
    answers.refuse = 0
    done = pulled(client, lake, tmp_path, now=NOW + timedelta(days=1), since=date(2026, 11, 20))
    assert (done.start, done.end) == (datetime(2026, 9, 1, tzinfo=UTC), NOW.replace(minute=0) + timedelta(days=1))


def test_one_pull_of_an_account_at_a_time(client: Any, lake: Lake, tmp_path: Path) -> None:
    answers = Answers(client)
    with sole(tmp_path / "usage"), pytest.raises(LakeError, match="still running"):
        pulled(client, lake, tmp_path)
    assert answers.asked == 0
    assert not (tmp_path / "usage" / "state.json").exists()


def test_an_answer_in_pages_and_a_series_that_cannot_be_read(client: Any, tmp_path: Path) -> None:
    known = [Series(MEASURES[0].sources[0], name, (("InstanceId", name),)) for name in ("i-1", "i-2")]
    first, second = START, START + timedelta(hours=1)
    with Stubber(client) as stub:
        for token, result in (
            (None, {"Id": "q0", "Timestamps": [first], "Values": [1.5], "StatusCode": "PartialData"}),
            ("more", {"Id": "q0", "Timestamps": [second], "Values": [2.5], "StatusCode": "Complete"}),
        ):
            broken = (
                [] if token is None else [{"Id": "q1", "Timestamps": [], "Values": [], "StatusCode": "InternalError"}]
            )
            answer = {"MetricDataResults": [result, *broken], **({"NextToken": "more"} if token is None else {})}
            stub.add_response("get_metric_data", answer)
        read = CloudWatch(client).read(known, start=first, end=second + timedelta(hours=1), folder=tmp_path / "kept")
        stub.assert_no_pending_responses()
    assert read.values == {known[0]: {first: Decimal("1.5"), second: Decimal("2.5")}}
    assert read.unreadable == 1


def test_who_may_not_read_is_told(client: Any, lake: Lake, tmp_path: Path) -> None:
    put(client, "AWS/EC2", "CPUUtilization", {0: 5}, InstanceId="i-1")
    Answers(client, refuse=100, code="AccessDenied")
    with pytest.raises(LakeError, match="may not do GetMetricData"):
        pulled(client, lake, tmp_path)


def test_nothing_measured_is_nothing_loaded(client: Any, lake: Lake, tmp_path: Path) -> None:
    done = pulled(client, lake, tmp_path)
    assert (done.resources, done.hours) == (0, 0)
    assert lake.store.usage() is None
    with pytest.raises(LakeError, match="nothing to pull since"):
        pulled(client, lake, tmp_path, since=date(2026, 11, 24))


def test_no_credentials_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lake: Lake) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    bare = aws_client.client("cloudwatch", region="eu-west-1")
    with pytest.raises(LakeError, match="No AWS credentials were found"):
        pull(lake, CloudWatch(bare), folder=tmp_path / "usage", now=NOW)


@pytest.mark.parametrize(
    ("dimensions", "resource"),
    [
        ({"InstanceId": "i-1"}, "i-1"),
        ({"InstanceId": "i-1", "AutoScalingGroupName": "g"}, None),
        ({"AutoScalingGroupName": "g"}, None),
    ],
)
def test_a_cut_that_tells_the_same_again_is_left_out(dimensions: dict[str, str], resource: str | None) -> None:
    assert resource_of(MEASURES[0].sources[0], dimensions) == resource
