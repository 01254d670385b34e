"""The outside world on loopback: a bank's bill, an AWS account and a Slack workspace, so that the real client code runs without an account.

Read `bank/` (the bill, its machines and the truth about what was planted), then `aws/` (an EC2 that knows those
machines), then `slack/` (a workspace with its people). Production paths never import this package.
"""
