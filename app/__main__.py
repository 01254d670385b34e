"""`python -m app` is the `spendgate` command."""

from app.cli import main

main()
