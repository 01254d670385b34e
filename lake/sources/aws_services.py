"""What an AWS line is about: its FOCUS service category, and for AI its model, its workload and its class of tokens.

Third-party models on Bedrock are billed through AWS Marketplace, under an opaque product code; they are recognised by
the product's name and counted as Amazon Bedrock, once. The Claude Platform on AWS is another Marketplace product: it
is billed in Claude Consumption Units, a virtual currency, and has no tokens on the bill.
"""

from lake import duck
from lake.sources.cells import one_of

AI = "AI and Machine Learning"
BEDROCK = "Amazon Bedrock"
CLAUDE_PLATFORM = "Claude Platform on AWS"
CONSUMPTION_UNITS = "Claude Consumption Units"

CATEGORIES = {
    AI: (
        "AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels", "AmazonBedrockAgentCore",
        "AmazonSageMaker", "AmazonQ", "AmazonKendra", "AmazonRekognition", "AmazonTextract", "AmazonPolly",
        "AmazonLex", "AmazonPersonalize", "AmazonForecast", "comprehend", "transcribe", "translate",
    ),
    "Compute": (
        "AmazonEC2", "AWSLambda", "AmazonECS", "AmazonEKS", "AmazonLightsail", "AWSBatch", "ElasticMapReduce",
        "AWSAppRunner", "ComputeSavingsPlans",
    ),
    "Storage": ("AmazonS3", "AmazonEFS", "AmazonFSx", "AmazonGlacier", "AWSBackup", "AmazonECR", "AmazonECRPublic"),
    "Databases": (
        "AmazonRDS", "AmazonDynamoDB", "AmazonElastiCache", "AmazonRedshift", "AmazonDocDB", "AmazonNeptune",
        "AmazonMemoryDB", "AmazonTimestream",
    ),
    "Networking": (
        "AmazonVPC", "AWSELB", "AmazonCloudFront", "AmazonRoute53", "AWSDataTransfer", "AWSDirectConnect",
        "AWSGlobalAccelerator", "AmazonApiGateway",
    ),
    "Analytics": (
        "AWSGlue", "AmazonAthena", "AmazonKinesis", "AmazonKinesisFirehose", "AmazonQuickSight", "AmazonES",
        "AmazonMSK",
    ),
    "Management and Governance": (
        "AmazonCloudWatch", "AWSCloudTrail", "AWSConfig", "AWSSystemsManager", "AWSCostExplorer", "AWSSupportBusiness",
        "AWSSupportEnterprise", "AWSDeveloperSupport", "AWSPremiumSupport",
    ),
    "Security": ("awskms", "AWSSecretsManager", "awswaf", "AmazonGuardDuty", "AmazonInspectorV2", "AWSSecurityHub"),
    "Integration": ("AWSQueueService", "AmazonSNS", "AmazonStates", "AWSEvents", "AmazonMQ"),
}  # fmt: skip

# SageMaker says in its usage types what the machine was for. ("Studio" and notebooks are people's workbenches.)
WORKLOADS = (("host(ing)?", "inference"), ("train", "training"), ("(notebk|studio)", "notebook"))
# The order matters: a cached input is an input too. Bedrock keeps a prompt for five minutes unless asked for an hour.
TOKEN_CLASSES = (
    ("cache[-_]?read", "input_cache_read"),
    ("cache[-_]?write.*1[-_]?h", "input_cache_write_1h"),
    ("cache[-_]?write", "input_cache_write_5m"),
    ("input[-_]?(image|video|audio|speech)", None),
    ("input[-_]?token", "input_uncached"),
    ("output[-_]?token", "output"),
)


def is_bedrock(*, code: str, product: str, entity: str, usage: str) -> str:
    """SQL: whether a line is Bedrock's: its own product, or a model that AWS Marketplace bills for it."""
    sold = f"coalesce({product}, '') || ' ' || coalesce({usage}, '')"
    return (
        f"coalesce({code} LIKE 'AmazonBedrock%' "
        f"OR ({entity} = 'AWS Marketplace' AND regexp_matches({sold}, 'bedrock', 'i')), false)"
    )


def in_consumption_units(*, product: str, entity: str, description: str, usage: str) -> str:
    """SQL: whether a line is the Claude Platform's, in its virtual currency."""
    told = f"concat_ws(' ', {product}, {description}, {usage})"
    return (
        f"coalesce({entity} = 'AWS Marketplace' "
        f"AND regexp_matches({told}, 'claude consumption unit|claude platform|\\bCCUs?\\b', 'i'), false)"
    )


def category(*, code: str, usage: str, is_ai: str) -> str:
    """SQL: the FOCUS service category; EC2's disks and traffic are told apart from its machines by the usage type."""
    known = {code: duck.text(name) for name, codes in CATEGORIES.items() for code in codes}
    return (
        f"CASE WHEN {is_ai} THEN {duck.text(AI)} "
        f"WHEN {code} = 'AmazonEC2' AND regexp_matches(coalesce({usage}, ''), 'EBS:') THEN 'Storage' "
        f"WHEN {code} = 'AmazonEC2' AND regexp_matches(coalesce({usage}, ''), "
        "'DataTransfer|LoadBalancer|LCU|NatGateway|ElasticIP|-Bytes') THEN 'Networking' "
        f"ELSE {one_of(code, known, otherwise=duck.text('Other'))} END"
    )


def workload(*, code: str, usage: str) -> str:
    """SQL: training, inference or notebook for a SageMaker machine, by its usage type (`USE1-Host:ml.g5.xlarge`)."""
    whens = " ".join(
        f"WHEN regexp_matches({usage}, '(^|-){pattern}:', 'i') THEN '{name}'" for pattern, name in WORKLOADS
    )
    return f"CASE WHEN {code} = 'AmazonSageMaker' THEN CASE {whens} END END"


def token_class(*, is_bedrock: str, usage: str) -> str:
    """SQL: the class of tokens that a Bedrock usage type counts; NULL where it counts none."""
    whens = " ".join(
        f"WHEN regexp_matches({usage}, '{pattern}', 'i') THEN {duck.text(name) if name else 'NULL'}"
        for pattern, name in TOKEN_CLASSES
    )
    return f"CASE WHEN {is_bedrock} THEN CASE {whens} END END"


def model(*, is_bedrock: str, named: str, product: str, usage: str) -> str:
    """SQL: the model of a Bedrock line, lower case: as the product names it, else as the usage type does."""
    sold = f"nullif(regexp_extract(coalesce({product}, ''), '^(.+?) *\\(Amazon Bedrock', 1, 'i'), '')"
    metered = (
        f"nullif(regexp_extract(coalesce({usage}, ''), "
        "'^(?:[A-Z]{2,4}[0-9]-)?(.+?)-(?:mantle-)?(?:input|output|cache)[-_]', 1, 'i'), '')"
    )
    return f"CASE WHEN {is_bedrock} THEN replace(lower(coalesce({named}, {sold}, {metered})), ' ', '-') END"
