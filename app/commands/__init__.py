"""What each command does, one file a command; imported only when it runs, so that `--help` stays quick."""
