"""What the bank buys from AWS beside machines and model tokens: SageMaker, and the ordinary cloud of a bank."""

from sandbox.bank.organisation import AWS
from sandbox.bank.services import Kind, Service

US, EU, WEST = "us-east-1", "eu-west-1", "us-west-2"
SAGEMAKER: Kind = ("Amazon SageMaker", "AI and Machine Learning", "Machine Learning")
TEXTRACT: Kind = ("Amazon Textract", "AI and Machine Learning", "Other (AI and Machine Learning)")
S3: Kind = ("Amazon Simple Storage Service", "Storage", "Object Storage")
RDS: Kind = ("Amazon Relational Database Service", "Databases", "Relational Databases")
DYNAMODB: Kind = ("Amazon DynamoDB", "Databases", "NoSQL Databases")
ELASTICACHE: Kind = ("Amazon ElastiCache", "Databases", "Caching")
REDSHIFT: Kind = ("Amazon Redshift", "Databases", "Data Warehouses")
OPENSEARCH: Kind = ("Amazon OpenSearch Service", "Analytics", "Search")
GLUE: Kind = ("AWS Glue", "Analytics", "Data Processing")
ATHENA: Kind = ("Amazon Athena", "Analytics", "Analytics Platforms")
MSK: Kind = ("Amazon Managed Streaming for Apache Kafka", "Analytics", "Streaming Analytics")
EKS: Kind = ("Amazon Elastic Kubernetes Service", "Compute", "Containers")
FARGATE: Kind = ("AWS Fargate", "Compute", "Containers")
LAMBDA: Kind = ("AWS Lambda", "Compute", "Serverless Compute")
TRANSFER: Kind = ("AWS Data Transfer", "Networking", "Network Connectivity")
NETWORK: Kind = ("Amazon Virtual Private Cloud", "Networking", "Network Infrastructure")
BALANCER: Kind = ("Elastic Load Balancing", "Networking", "Application Networking")
CLOUDFRONT: Kind = ("Amazon CloudFront", "Networking", "Content Delivery")
DIRECT: Kind = ("AWS Direct Connect", "Networking", "Network Connectivity")
CLOUDWATCH: Kind = ("Amazon CloudWatch", "Management and Governance", "Observability")
CONFIG: Kind = ("AWS Config", "Management and Governance", "Data Governance")
GUARDDUTY: Kind = ("Amazon GuardDuty", "Security", "Threat Detection and Response")
WAF: Kind = ("AWS WAF", "Security", "Other (Security)")
KMS: Kind = ("AWS Key Management Service", "Security", "Secret Management")
BACKUP: Kind = ("AWS Backup", "Storage", "Backup Storage")
SQS: Kind = ("Amazon Simple Queue Service", "Integration", "Messaging")
GATEWAY: Kind = ("Amazon API Gateway", "Integration", "API Management")

FRAUD, CREDIT, CLAIMS = "fraud-detection", "credit-scoring", "claims"
TREASURY, KYC, COPILOT = "treasury-forecasting", "kyc-assistant", "developer-copilot"


def _endpoint(use_case: str, type: str, price: str, daily: float, name: str, **more: object) -> Service:
    region = str(more.pop("region", US))
    arn = f"arn:aws:sagemaker:{{region}}:{{account}}:endpoint/{name}"
    return Service(
        AWS, "ai", region, SAGEMAKER, f"{type} hosting", "Hours", price, daily, use_case=use_case,
        workload="inference", resource=arn, resource_type="Endpoint", name=name, hourly=True,
        details=(("InstanceType", type),), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _training(use_case: str, type: str, price: str, daily: float, **more: object) -> Service:
    name = f"{use_case}-{type.split('.')[1]}-training"
    return Service(
        AWS, "ai", US, SAGEMAKER, f"{type} training", "Hours", price, daily, use_case=use_case, workload="training",
        shape="training", sigma=0.16, growth=0.45, name=name, resource_type="Training Job",
        resource=f"arn:aws:sagemaker:{{region}}:{{account}}:training-job/{name}",
        details=(("InstanceType", type),), **more,  # type: ignore[arg-type]
    )  # fmt: skip


MANAGED_AI: tuple[Service, ...] = (
    _endpoint(FRAUD, "ml.g5.2xlarge", "1.515", 218, "fraud-score-realtime"),
    _endpoint(FRAUD, "ml.m5.4xlarge", "0.922", 133, "fraud-rules-fallback"),
    _endpoint(CREDIT, "ml.m5.4xlarge", "0.922", 88, "credit-score-v4"),
    _endpoint(CREDIT, "ml.g4dn.xlarge", "0.736", 53, "credit-explain"),
    _endpoint(CLAIMS, "ml.g5.2xlarge", "1.515", 109, "claims-triage", region=EU),
    _endpoint(KYC, "ml.g4dn.xlarge", "0.736", 53, "kyc-face-match"),
    _endpoint(TREASURY, "ml.m5.4xlarge", "0.922", 44, "treasury-cashflow"),
    _training(FRAUD, "ml.p4d.24xlarge", "25.250258", 1150),
    _training(FRAUD, "ml.g5.12xlarge", "7.09", 310),
    _training(CREDIT, "ml.p3.16xlarge", "28.152", 620, jobs=0.72),
    _training(CLAIMS, "ml.g5.12xlarge", "7.09", 240, jobs=0.8),
    _training(TREASURY, "ml.m5.24xlarge", "5.53", 190, earnings=1.2),
    _training(KYC, "ml.g5.12xlarge", "7.09", 120, jobs=0.5),
    Service(AWS, "ai", US, SAGEMAKER, "ml.m5.2xlarge processing", "Hours", "0.461", 260, use_case=FRAUD,
            shape="night", workload="training", sigma=0.09, growth=0.3, name="fraud-feature-processing"),
    Service(AWS, "ai", US, SAGEMAKER, "ml.t3.xlarge notebook", "Hours", "0.2", 96, use_case=CREDIT, shape="office",
            environment="development", sigma=0.08, growth=0.2, name="credit-notebooks"),
    Service(AWS, "ai", US, SAGEMAKER, "ml.g4dn.xlarge studio", "Hours", "0.7364", 230, use_case=FRAUD,
            shape="office", environment="development", sigma=0.1, growth=0.4, name="fraud-studio"),
    Service(AWS, "ai", US, SAGEMAKER, "ml.m5.large studio", "Hours", "0.115", 165, team="data-platform",
            shape="office", environment="development", sigma=0.1, growth=0.5, name="studio-unassigned", tagged=False),
)  # fmt: skip


def _rds(name: str, account: str, team: str, type: str, price: str, daily: float, **more: object) -> Service:
    return Service(
        AWS, account, US, RDS, f"{type} Aurora PostgreSQL", "Hours", price, daily, team, hourly=True,
        resource=f"arn:aws:rds:{{region}}:{{account}}:cluster:{name}", resource_type="DB Cluster", name=name,
        details=(("InstanceType", type),), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _bucket(name: str, account: str, team: str, daily: float, growth: float = 0.22, **more: object) -> Service:
    region = str(more.pop("region", US))
    price = str(more.pop("price", "0.023"))
    return Service(
        AWS, account, region, S3, "Standard storage", "GB-Months", price, daily, team, growth=growth, sigma=0.004,
        resource=f"arn:aws:s3:::{name}", resource_type="Bucket", name=name, **more,  # type: ignore[arg-type]
    )  # fmt: skip


STORAGE_AND_DATABASES: tuple[Service, ...] = (
    _rds("ledger-primary", "core", "core-banking", "db.r6i.24xlarge", "13.92", 1002),
    _rds("ledger-reporting", "core", "core-banking", "db.r6i.12xlarge", "6.96", 334),
    _rds("payments-core", "payments", "payments", "db.r6i.12xlarge", "6.96", 501),
    _rds("cards-auth", "payments", "payments", "db.r6i.8xlarge", "4.64", 334),
    _rds("mobile-profile", "digital", "digital-channels", "db.r6i.4xlarge", "2.32", 167),
    _rds("onboarding", "digital", "digital-channels", "db.r6i.4xlarge", "2.32", 111),
    _rds("risk-mart", "data", "data-platform", "db.r6i.8xlarge", "4.64", 222),
    _rds("ledger-uat", "core", "core-banking", "db.r6i.4xlarge", "2.32", 111, environment="staging"),
    _rds("claims-case", "ai", "claims-automation", "db.r6i.2xlarge", "1.16", 56),
    _rds("reporting-legacy", "shared", "infrastructure", "db.r6i.4xlarge", "2.32", 111, tagged=False),
    _bucket("nmb-ledger-archive", "core", "core-banking", 240, 0.12),
    _bucket("nmb-payments-messages", "payments", "payments", 130),
    _bucket("nmb-data-lake-raw", "data", "data-platform", 520, 0.35),
    _bucket("nmb-data-lake-curated", "data", "data-platform", 310, 0.3),
    _bucket("nmb-fraud-checkpoints", "ai", "fraud-analytics", 120, 0.4, use_case=FRAUD, workload="training"),
    _bucket("nmb-fraud-features", "ai", "fraud-analytics", 85, 0.3, use_case=FRAUD, workload="training"),
    _bucket("nmb-claims-documents", "ai", "claims-automation", 140, 0.25, use_case=CLAIMS, region=EU),
    _bucket("nmb-kyc-documents", "ai", "financial-crime", 110, 0.2, use_case=KYC),
    _bucket("nmb-cctv-and-scans", "shared", "infrastructure", 260, 0.18, tagged=False),
    _bucket("nmb-security-logs", "shared", "security", 290, 0.3),
    _bucket("nmb-web-assets", "digital", "digital-channels", 45),
    Service(AWS, "payments", US, DYNAMODB, "On-demand write requests", "1000000 Requests", "1.25", 310, "payments",
            shape="retail", growth=0.15),
    Service(AWS, "digital", US, DYNAMODB, "On-demand read requests", "1000000 Requests", "0.25", 190,
            "digital-channels", shape="retail", growth=0.2),
    Service(AWS, "digital", US, ELASTICACHE, "cache.r6g.2xlarge", "Hours", "0.821", 138, "digital-channels",
            hourly=True, name="session-cache"),
    Service(AWS, "payments", US, ELASTICACHE, "cache.r6g.2xlarge", "Hours", "0.821", 99, "payments", hourly=True,
            name="auth-cache"),
    Service(AWS, "data", US, REDSHIFT, "ra3.4xlarge", "Hours", "3.26", 1250, "data-platform", hourly=True,
            name="warehouse"),
    Service(AWS, "data", US, REDSHIFT, "Concurrency scaling", "Hours", "3.26", 210, "data-platform", shape="business",
            sigma=0.12, growth=0.2, earnings=0.35),
    Service(AWS, "core", US, BACKUP, "Warm backup storage", "GB-Months", "0.05", 240, "core-banking", sigma=0.006),
    Service(AWS, "shared", US, BACKUP, "Warm backup storage", "GB-Months", "0.05", 170, "infrastructure", sigma=0.006,
            tagged=False),
)  # fmt: skip

ORDINARY: tuple[Service, ...] = (
    Service(AWS, "data", US, GLUE, "ETL jobs", "Hours", "0.44", 420, "data-platform", shape="night", growth=0.15,
            sigma=0.08),
    Service(AWS, "data", US, ATHENA, "Data scanned", "TB", "5", 180, "data-platform", shape="business", growth=0.25,
            sigma=0.1, earnings=0.2),
    Service(AWS, "data", US, OPENSEARCH, "r6g.4xlarge.search", "Hours", "1.339", 386, "data-platform", hourly=True,
            name="search-main"),
    Service(AWS, "payments", US, MSK, "kafka.m5.4xlarge", "Hours", "1.68", 484, "payments", hourly=True,
            name="payment-events"),
    Service(AWS, "digital", US, EKS, "Cluster", "Hours", "0.1", 17, "digital-channels", hourly=True, name="eks-web"),
    Service(AWS, "core", US, EKS, "Cluster", "Hours", "0.1", 14, "core-banking", hourly=True, name="eks-core"),
    Service(AWS, "digital", US, FARGATE, "vCPU", "Hours", "0.04048", 340, "digital-channels", shape="retail",
            growth=0.2),
    Service(AWS, "digital", US, LAMBDA, "Compute", "1000 GB-Seconds", "0.016667", 150, "digital-channels",
            shape="retail", growth=0.2),
    Service(AWS, "payments", US, LAMBDA, "Compute", "1000 GB-Seconds", "0.016667", 110, "payments", shape="retail",
            growth=0.2),
    Service(AWS, "ai", US, LAMBDA, "Compute", "1000 GB-Seconds", "0.016667", 40, use_case=KYC, shape="business"),
    Service(AWS, "digital", US, GATEWAY, "API calls", "1000000 Requests", "3.5", 130, "digital-channels",
            shape="retail", growth=0.15),
    Service(AWS, "payments", US, SQS, "Standard requests", "1000000 Requests", "0.4", 60, "payments", shape="retail"),
    Service(AWS, "digital", US, TRANSFER, "Data out to internet", "GB", "0.085", 520, "digital-channels",
            shape="retail", growth=0.12),
    Service(AWS, "data", US, TRANSFER, "Data between regions", "GB", "0.02", 260, "data-platform", shape="night",
            growth=0.15, sigma=0.07),
    Service(AWS, "core", US, TRANSFER, "Data between zones", "GB", "0.01", 190, "core-banking", shape="business",
            tagged=False),
    Service(AWS, "shared", US, NETWORK, "NAT gateway data", "GB", "0.045", 440, "infrastructure", shape="business",
            growth=0.12, tagged=False),
    Service(AWS, "shared", US, NETWORK, "Transit gateway data", "GB", "0.02", 380, "infrastructure", shape="business",
            tagged=False),
    Service(AWS, "shared", US, NETWORK, "VPC endpoints", "Hours", "0.01", 110, "infrastructure", hourly=True,
            tagged=False),
    Service(AWS, "digital", US, BALANCER, "Load balancer capacity", "Hours", "0.008", 120, "digital-channels",
            shape="retail"),
    Service(AWS, "core", US, BALANCER, "Load balancer capacity", "Hours", "0.008", 70, "core-banking",
            shape="business"),
    Service(AWS, "digital", "", CLOUDFRONT, "Data out to internet", "GB", "0.06", 330, "digital-channels",
            shape="retail", growth=0.18),
    Service(AWS, "shared", US, DIRECT, "10G dedicated port", "Hours", "2.25", 216, "infrastructure", hourly=True,
            name="dc-east"),
    Service(AWS, "shared", US, CLOUDWATCH, "Logs ingested", "GB", "0.5", 560, "infrastructure", shape="business",
            growth=0.2, tagged=False),
    Service(AWS, "ai", US, CLOUDWATCH, "Logs ingested", "GB", "0.5", 120, use_case=CLAIMS, shape="business",
            growth=0.25),
    Service(AWS, "core", US, CLOUDWATCH, "Custom metrics", "Metrics", "0.01", 95, "core-banking"),
    Service(AWS, "shared", US, CONFIG, "Configuration items", "1000 Requests", "3", 85, "security"),
    Service(AWS, "shared", US, GUARDDUTY, "Events analysed", "1000000 Events", "4", 310, "security", growth=0.15),
    Service(AWS, "digital", US, WAF, "Requests", "1000000 Requests", "0.6", 140, "security", shape="retail"),
    Service(AWS, "shared", US, KMS, "Requests", "10000 Requests", "0.03", 105, "security", shape="business"),
)  # fmt: skip
AWS_SERVICES = MANAGED_AI + STORAGE_AND_DATABASES + ORDINARY
