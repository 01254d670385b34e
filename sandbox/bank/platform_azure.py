"""What the bank buys from Microsoft beside model tokens: provisioned throughput, machine learning, Windows."""

from sandbox.bank.organisation import MICROSOFT
from sandbox.bank.services import Kind, Service

EAST, EUROPE = "eastus2", "westeurope"
OPENAI: Kind = ("Azure OpenAI Service", "AI and Machine Learning", "Generative AI")
ML: Kind = ("Azure Machine Learning", "AI and Machine Learning", "Machine Learning")
DOCUMENTS: Kind = ("Azure AI Document Intelligence", "AI and Machine Learning", "Other (AI and Machine Learning)")
MACHINES: Kind = ("Virtual Machines", "Compute", "Virtual Machines")
AKS: Kind = ("Azure Kubernetes Service", "Compute", "Containers")
SQL: Kind = ("Azure SQL Database", "Databases", "Relational Databases")
COSMOS: Kind = ("Azure Cosmos DB", "Databases", "NoSQL Databases")
BLOB: Kind = ("Storage Accounts", "Storage", "Object Storage")
DISKS: Kind = ("Azure Disk Storage", "Storage", "Block Storage")
BACKUP: Kind = ("Azure Backup", "Storage", "Backup Storage")
SENTINEL: Kind = ("Microsoft Sentinel", "Security", "Threat Detection and Response")
DEFENDER: Kind = ("Microsoft Defender for Cloud", "Security", "Security Posture Management")
MONITOR: Kind = ("Azure Monitor", "Management and Governance", "Observability")
EXPRESS: Kind = ("Azure ExpressRoute", "Networking", "Network Connectivity")
BANDWIDTH: Kind = ("Bandwidth", "Networking", "Network Connectivity")
FIREWALL: Kind = ("Azure Firewall", "Networking", "Network Security")
DESKTOP: Kind = ("Azure Virtual Desktop", "Compute", "End User Computing")

FRAUD, CREDIT, CLAIMS = "fraud-detection", "credit-scoring", "claims"
KYC, COPILOT = "kyc-assistant", "developer-copilot"


def _vm(name: str, size: str, price: str, daily: float, team: str, **more: object) -> Service:
    path = f"/subscriptions/{{account}}/resourceGroups/rg-{team}/providers/Microsoft.Compute/virtualMachines/{name}"
    return Service(
        MICROSOFT, "azure-apps", EAST, MACHINES, f"{size} Windows", "Hours", price, daily, team, hourly=True,
        resource=path, resource_type="Virtual machine", name=name,
        details=(("InstanceType", size), ("OperatingSystem", "Windows")), **more,  # type: ignore[arg-type]
    )  # fmt: skip


AZURE_SERVICES: tuple[Service, ...] = (
    Service(MICROSOFT, "azure-ai", EUROPE, OPENAI, "Provisioned throughput units", "Hours", "1", 1200, use_case=KYC,
            workload="inference", hourly=True, name="ptu-kyc", resource_type="Deployment",
            resource="/subscriptions/{account}/resourceGroups/rg-kyc-assistant-production/providers/"
            "Microsoft.CognitiveServices/accounts/aoai-{region}/deployments/gpt-4o-ptu"),
    Service(MICROSOFT, "azure-ai", EAST, ML, "NC24ads A100 v4 training", "Hours", "3.673", 270, use_case=CREDIT,
            workload="training", shape="training", sigma=0.15, growth=0.4, jobs=0.75, name="credit-automl"),
    Service(MICROSOFT, "azure-ai", EAST, ML, "D16s v5 compute", "Hours", "0.768", 120, use_case=FRAUD,
            workload="training", shape="night", sigma=0.08, growth=0.2, name="fraud-batch-scoring"),
    Service(MICROSOFT, "azure-ai", EUROPE, DOCUMENTS, "Prebuilt pages", "1000 Pages", "10", 260, use_case=CLAIMS,
            workload="inference", shape="business", growth=0.2, name="claims-intake"),
    _vm("treasury-murex-01", "E64s v5", "6.976", 335, "treasury"),
    _vm("treasury-murex-02", "E64s v5", "6.976", 335, "treasury"),
    _vm("swift-gateway-01", "E32s v5", "3.488", 167, "payments"),
    _vm("branch-terminal-01", "D32s v5", "3.008", 217, "core-banking"),
    _vm("hr-and-payroll-01", "D32s v5", "3.008", 144, "infrastructure"),
    _vm("file-services-01", "D16s v5", "1.504", 108, "infrastructure", tagged=False),
    Service(MICROSOFT, "azure-apps", EAST, DESKTOP, "D8s v5 session hosts", "Hours", "0.752", 480, "infrastructure",
            shape="office", growth=0.06, sigma=0.04, name="branch-desktops"),
    Service(MICROSOFT, "azure-apps", EAST, AKS, "D8s v5 nodes", "Hours", "0.384", 350, "digital-channels",
            shape="business", growth=0.15, name="aks-partner-api"),
    Service(MICROSOFT, "azure-apps", EAST, COSMOS, "Request units", "1000000 Requests", "0.25", 210,
            "digital-channels", shape="retail", growth=0.2),
    Service(MICROSOFT, "azure-apps", EAST, BLOB, "Hot storage", "GB-Months", "0.0184", 260, "core-banking",
            sigma=0.004, growth=0.2),
    Service(MICROSOFT, "azure-ai", EUROPE, BLOB, "Hot storage", "GB-Months", "0.0184", 90, use_case=CLAIMS,
            sigma=0.004, growth=0.3),
    Service(MICROSOFT, "azure-apps", EAST, DISKS, "Premium SSD", "GB-Months", "0.12", 310, "infrastructure",
            sigma=0.003),
    Service(MICROSOFT, "azure-apps", EAST, BACKUP, "Protected instances", "Hours", "0.0137", 120, "infrastructure",
            sigma=0.01, tagged=False),
    Service(MICROSOFT, "azure-sec", EAST, SENTINEL, "Data analysed", "GB", "4.3", 620, "security", shape="business",
            growth=0.22, sigma=0.06),
    Service(MICROSOFT, "azure-sec", EAST, DEFENDER, "Server protection", "Hours", "0.02", 190, "security",
            sigma=0.01),
    Service(MICROSOFT, "azure-apps", EAST, MONITOR, "Log ingestion", "GB", "2.3", 230, "infrastructure",
            shape="business", growth=0.15, sigma=0.05),
    Service(MICROSOFT, "azure-apps", EAST, EXPRESS, "10 Gbps circuit", "Hours", "6.85", 164, "infrastructure",
            hourly=True, name="er-east"),
    Service(MICROSOFT, "azure-apps", EAST, BANDWIDTH, "Data out", "GB", "0.08", 140, "infrastructure",
            shape="business", tagged=False),
    Service(MICROSOFT, "azure-sec", EAST, FIREWALL, "Premium deployment", "Hours", "1.75", 126, "security",
            hourly=True, name="fw-hub"),
)  # fmt: skip
