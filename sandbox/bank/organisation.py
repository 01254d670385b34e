"""Who the sandbox's bank is: its teams, its accounts at four providers, and the tags that its rules ask for."""

from typing import NamedTuple

BANK = "Northmere Bank"
AI_ACCOUNT = "471852036911"  # every GPU machine lives here: a sandbox credential opens one account by default


class Team(NamedTuple):
    """A cost-bearing team; `owner` is a mailbox, since a bill that names people would be personal data."""

    name: str
    cost_centre: str

    @property
    def owner(self) -> str:
        return f"{self.name}@northmere.example"


TEAMS: dict[str, Team] = {
    team.name: team
    for team in (
        Team("fraud-analytics", "CC-4410"),
        Team("credit-risk", "CC-4420"),
        Team("claims-automation", "CC-4430"),
        Team("treasury", "CC-4440"),
        Team("financial-crime", "CC-4450"),
        Team("engineering-platform", "CC-5100"),
        Team("core-banking", "CC-2100"),
        Team("payments", "CC-2200"),
        Team("digital-channels", "CC-2300"),
        Team("data-platform", "CC-5200"),
        Team("security", "CC-6100"),
        Team("infrastructure", "CC-6200"),
    )
}

USE_CASE_TEAMS: dict[str, str] = {
    "fraud-detection": "fraud-analytics",
    "credit-scoring": "credit-risk",
    "claims": "claims-automation",
    "treasury-forecasting": "treasury",
    "kyc-assistant": "financial-crime",
    "developer-copilot": "engineering-platform",
}


class Provider(NamedTuple):
    """One that sends bills. `discount` is what the bank negotiated on list prices, in thousandths."""

    name: str
    folder: str
    issuer: str
    publisher: str
    billing_account: str
    billing_account_name: str
    billing_account_type: str
    sub_account_type: str
    discount: int


AWS = Provider(
    "AWS", "aws", "Amazon Web Services, Inc.", "Amazon Web Services, Inc.", "614730958124", f"{BANK} Payer",
    "Management Account", "Account", 70,
)  # fmt: skip
MICROSOFT = Provider(
    "Microsoft", "microsoft", "Microsoft", "Microsoft", "8f1c2e90-5b7d-4c3a-9e14-6a0d2b7c5f31", f"{BANK} EA",
    "Billing Account", "Subscription", 90,
)  # fmt: skip
OPENAI = Provider(
    "OpenAI", "openai", "OpenAI, LLC", "OpenAI, LLC", "org-n0rthm3r3b4nk7Qx2", BANK, "Organization", "Project", 50
)
ANTHROPIC = Provider(
    "Anthropic", "anthropic", "Anthropic, PBC", "Anthropic, PBC", "9b6d4f02-71ce-4a58-8d3b-2f90c1e7a645", BANK,
    "Organization", "Workspace", 50,
)  # fmt: skip
PROVIDERS = (AWS, MICROSOFT, OPENAI, ANTHROPIC)


class Account(NamedTuple):
    """An AWS account, an Azure subscription, an OpenAI project or an Anthropic workspace."""

    id: str
    name: str


ACCOUNTS: dict[str, Account] = {
    "ai": Account(AI_ACCOUNT, "northmere-ai-platform"),
    "core": Account("205918374466", "northmere-core-banking"),
    "payments": Account("338240571905", "northmere-payments"),
    "digital": Account("719264085532", "northmere-digital-channels"),
    "data": Account("562097413380", "northmere-data-platform"),
    "shared": Account("880146320957", "northmere-shared-services"),
    "azure-ai": Account("3d0b6a5e-92f4-4e17-b1a8-70c55e2d9f06", "nmb-ai"),
    "azure-apps": Account("a47e1c83-0d6b-4b92-8f35-51e9d7c2046b", "nmb-applications"),
    "azure-sec": Account("e60f92b7-3c18-45da-a7e4-0b8d6f13c95a", "nmb-security"),
    "openai-copilot": Account("proj_Hk2vX9copilotR41", "developer-copilot"),
    "openai-kyc": Account("proj_Tz7qB3kycasst58", "kyc-assistant"),
    "openai-claims": Account("proj_Lm5wC8claims0e6", "claims"),
    "openai-treasury": Account("proj_Pd1sV6treasury29", "treasury-forecasting"),
    "openai-default": Account("proj_Jx0nD4default73", "Default project"),
    "anthropic-kyc": Account("wrkspc_01K7kycQ2mZ8", "kyc-assistant"),
    "anthropic-copilot": Account("wrkspc_01K7copV5nT3", "developer-copilot"),
    "anthropic-claims": Account("wrkspc_01K7clmB9rX6", "claims"),
    "anthropic-credit": Account("wrkspc_01K7crdW4hY1", "credit-scoring"),
}

REGIONS: dict[str, str] = {
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "Europe (Ireland)",
    "eastus2": "East US 2",
    "westeurope": "West Europe",
}


def tags(
    team: str,
    environment: str,
    *,
    use_case: str = "",
    model: str = "",
    workload: str = "",
    project: str = "",
) -> dict[str, str]:
    """The tags that the bank's tagging rule asks for; keys without a value are left out, as a provider does."""
    named = TEAMS[team]
    pairs = {
        "team": team,
        "use_case": use_case,
        "environment": environment,
        "model": model,
        "workload": workload,
        "project": project,
        "cost_centre": named.cost_centre,
        "owner": named.owner,
    }
    return {key: value for key, value in pairs.items() if value}
