"""`guard.toml`: what is read from it, and what is said when something is wrong with it."""
