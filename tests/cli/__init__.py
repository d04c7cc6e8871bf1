"""The command line, from the outside: what is printed, what is asked of the daemon, and the exit status."""
