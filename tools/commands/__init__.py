"""One subcommand of the command line a file."""
