"""The bank's EC2 machines: the table that the bill, the utilisation and the sandbox's EC2 are all made from.

One table for three consumers, since a bill whose machine ids the cloud does not know could not be acted on.
"""

from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from sandbox.bank.organisation import USE_CASE_TEAMS, tags


class Hardware(NamedTuple):
    """An EC2 type. The hourly prices are near those published for Linux in 2025; this is no price book."""

    price: str
    vcpus: int
    memory: int
    gpus: int = 0


HARDWARE: dict[str, Hardware] = {
    "p5.48xlarge": Hardware("55.04", 192, 2048, 8),
    "p4d.24xlarge": Hardware("21.957642", 96, 1152, 8),
    "p3.8xlarge": Hardware("12.24", 32, 244, 4),
    "g5.xlarge": Hardware("1.006", 4, 16, 1),
    "g5.2xlarge": Hardware("1.212", 8, 32, 1),
    "g5.4xlarge": Hardware("1.624", 16, 64, 1),
    "g5.12xlarge": Hardware("5.672", 48, 192, 4),
    "g5.24xlarge": Hardware("8.144", 96, 384, 4),
    "g5.48xlarge": Hardware("16.288", 192, 768, 8),
    "g6.xlarge": Hardware("0.8048", 4, 16, 1),
    "g6.12xlarge": Hardware("4.6016", 48, 192, 4),
    "g6e.12xlarge": Hardware("10.49264", 48, 384, 4),
    "g4dn.xlarge": Hardware("0.526", 4, 16, 1),
    "g4dn.2xlarge": Hardware("0.752", 8, 32, 1),
    "r6i.16xlarge": Hardware("4.032", 64, 512),
    "r6i.8xlarge": Hardware("2.016", 32, 256),
    "m6i.16xlarge": Hardware("3.072", 64, 256),
    "m6i.8xlarge": Hardware("1.536", 32, 128),
    "m6i.2xlarge": Hardware("0.384", 8, 32),
    "c6i.16xlarge": Hardware("2.72", 64, 128),
    "c6i.8xlarge": Hardware("1.36", 32, 64),
}


class Machine(NamedTuple):
    """One EC2 instance. `runs` is its pattern of hours, `busy` its pattern of utilisation, both named in words.

    `launched` and `quiet_since` are days before the last billed day; `quiet_since` 0 = never idle.
    """

    name: str
    type: str
    use_case: str
    environment: str
    workload: str
    runs: str
    busy: str
    account: str = "ai"
    region: str = "us-east-1"
    team: str = ""
    project: str = ""
    launched: int = 900
    quiet_since: int = 0
    stopped_since: int = 0
    covered: bool = False
    tagged: bool = True

    @property
    def gpus(self) -> int:
        return HARDWARE[self.type].gpus

    @property
    def family(self) -> str:
        return self.type.split(".")[0]

    @property
    def owning_team(self) -> str:
        return self.team or USE_CASE_TEAMS[self.use_case]

    def tags(self) -> dict[str, str]:
        if not self.tagged:
            return {}
        return tags(
            self.owning_team, self.environment, use_case=self.use_case, workload=self.workload, project=self.project
        )


FRAUD, CREDIT, CLAIMS = "fraud-detection", "credit-scoring", "claims"
TREASURY, KYC, COPILOT = "treasury-forecasting", "kyc-assistant", "developer-copilot"
PROD, STAGING, DEV = "production", "staging", "development"

GPU_MACHINES: tuple[Machine, ...] = (
    Machine("fraud-train-p5-01", "p5.48xlarge", FRAUD, PROD, "training", "jobs", "training", project="fraud-graph"),
    Machine("fraud-train-p4d-01", "p4d.24xlarge", FRAUD, PROD, "training", "jobs", "training", project="fraud-graph"),
    Machine("fraud-train-g5-48", "g5.48xlarge", FRAUD, PROD, "training", "jobs", "training", project="fraud-tabular"),
    Machine("fraud-score-g5-01", "g5.2xlarge", FRAUD, PROD, "inference", "always", "serving", covered=True),
    Machine("fraud-score-g5-02", "g5.2xlarge", FRAUD, PROD, "inference", "always", "serving", covered=True),
    Machine("fraud-score-g5-03", "g5.2xlarge", FRAUD, PROD, "inference", "always", "serving", covered=True),
    Machine("fraud-score-g5-04", "g5.2xlarge", FRAUD, PROD, "inference", "always", "serving", covered=True),
    # Low CPU and hardly any network, yet its GPUs work all day: only the GPU metric tells it from an idle one.
    Machine("fraud-backtest-g5-03", "g5.12xlarge", FRAUD, STAGING, "training", "always", "gpu-bound", launched=140),
    Machine("credit-train-p4d-01", "p4d.24xlarge", CREDIT, PROD, "training", "jobs", "training", launched=310),
    # The largest saving: a finished project's machine that nobody switched off.
    Machine("credit-train-g5-07", "g5.12xlarge", CREDIT, DEV, "training", "always", "training",
            project="scorecard-2026", launched=118, quiet_since=27),
    Machine("credit-weekly-g5-01", "g5.4xlarge", CREDIT, DEV, "training", "always", "mondays", launched=260),
    Machine("credit-explain-g4dn-01", "g4dn.xlarge", CREDIT, PROD, "inference", "always", "serving"),
    Machine("claims-vision-g5-01", "g5.12xlarge", CLAIMS, PROD, "inference", "always", "serving", region="eu-west-1"),
    Machine("claims-vision-g5-02", "g5.12xlarge", CLAIMS, PROD, "inference", "always", "serving", region="eu-west-1"),
    Machine("claims-vision-dev-g5", "g5.2xlarge", CLAIMS, DEV, "inference", "office", "serving", region="eu-west-1"),
    Machine("claims-ocr-g4dn-02", "g4dn.2xlarge", CLAIMS, STAGING, "inference", "always", "agent-died", launched=190),
    Machine("treasury-train-g6-01", "g6.12xlarge", TREASURY, PROD, "training", "jobs", "training"),
    # Its model stays loaded: GPU memory is in use, so it is a standby and not idle.
    Machine("treasury-standby-g6-02", "g6.12xlarge", TREASURY, PROD, "inference", "always", "standby", launched=330),
    Machine("treasury-lab-p3-01", "p3.8xlarge", TREASURY, DEV, "training", "always", "training", stopped_since=95),
    Machine("kyc-embed-g6-01", "g6.xlarge", KYC, PROD, "inference", "always", "serving", covered=True),
    Machine("kyc-embed-g6-02", "g6.xlarge", KYC, PROD, "inference", "always", "serving", covered=True),
    Machine("kyc-rerank-g5-02", "g5.2xlarge", KYC, PROD, "inference", "always", "serving",
            project="onboarding-v1", launched=400, quiet_since=22),
    Machine("kyc-train-g5-01", "g5.24xlarge", KYC, PROD, "training", "jobs", "training", launched=220),
    Machine("copilot-serve-g6-01", "g6.12xlarge", COPILOT, PROD, "inference", "always", "serving"),
    Machine("copilot-serve-g6-02", "g6.12xlarge", COPILOT, PROD, "inference", "always", "serving", launched=165),
    Machine("copilot-bench-g6-01", "g6.xlarge", COPILOT, DEV, "inference", "always", "serving",
            launched=150, quiet_since=33),
    Machine("copilot-tune-g6e-01", "g6e.12xlarge", COPILOT, DEV, "training", "always", "no-agent", launched=75),
    Machine("ip-10-41-7-188", "g5.4xlarge", "", DEV, "training", "always", "training",
            team="data-platform", launched=96, tagged=False),
)  # fmt: skip


def _cpu(prefix: str, count: int, type: str, account: str, team: str, **more: object) -> tuple[Machine, ...]:
    given: dict[str, object] = {"environment": PROD, "runs": "always", **more}
    return tuple(
        Machine(f"{prefix}-{number:02}", type, "", workload="", busy="", account=account, team=team, **given)  # type: ignore[arg-type]
        for number in range(1, count + 1)
    )


CPU_MACHINES: tuple[Machine, ...] = (
    *_cpu("ledger-db", 4, "r6i.16xlarge", "core", "core-banking", covered=True),
    *_cpu("ledger-app", 6, "m6i.16xlarge", "core", "core-banking", covered=True),
    *_cpu("ledger-test", 3, "m6i.8xlarge", "core", "core-banking", environment=STAGING, runs="office"),
    *_cpu("payments-switch", 6, "c6i.16xlarge", "payments", "payments", covered=True),
    *_cpu("payments-iso", 4, "m6i.8xlarge", "payments", "payments"),
    *_cpu("web-edge", 6, "c6i.8xlarge", "digital", "digital-channels"),
    *_cpu("mobile-api", 6, "m6i.8xlarge", "digital", "digital-channels", launched=205),
    *_cpu("digital-dev", 4, "m6i.2xlarge", "digital", "digital-channels", environment=DEV, runs="office"),
    *_cpu("feature-store", 4, "r6i.8xlarge", "data", "data-platform"),
    *_cpu("etl-worker", 6, "m6i.16xlarge", "data", "data-platform", runs="night"),
    *_cpu("ci-runner", 5, "c6i.8xlarge", "shared", "engineering-platform", environment=DEV, runs="office"),
    *_cpu("bastion", 3, "m6i.2xlarge", "shared", "infrastructure", tagged=False),
    *_cpu("siem-collector", 3, "m6i.8xlarge", "shared", "security"),
)
MACHINES: tuple[Machine, ...] = GPU_MACHINES + CPU_MACHINES
AGENT_DIED = 9  # days before the last one: since then the machine with the dead agent sent no metric


def instance_id(machine: Machine, seed: int) -> str:
    """The machine's EC2 id, the same for a seed whatever else the fleet holds."""
    return "i-0" + sha256(f"{seed}/{machine.name}".encode()).hexdigest()[:16]


def launch_day(machine: Machine, until: date) -> date:
    """The day on which the machine was launched."""
    return until - timedelta(days=machine.launched)


def state(machine: Machine) -> str:
    """EC2's word for the state on the last day."""
    return "stopped" if machine.stopped_since else "running"
