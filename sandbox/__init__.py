"""The outside world on loopback (a bill, AWS, Slack, a model provider), so that real client code just runs.

Read `bank/` (the bill, its machines and the truth about what was planted), then `aws/` (an EC2 that knows those
machines), `slack/` (a workspace with its people), `model/` (a provider that says what it is told to). Production paths
never import this package.
"""
