"""The outside world on loopback (a bank's bill, an AWS account, a Slack workspace), so that real client code just runs.

Read `bank/` (the bill, its machines and the truth about what was planted), then `aws/` (an EC2 that knows those
machines), then `slack/` (a workspace with its people). Production paths never import this package.
"""
