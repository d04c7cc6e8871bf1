"""The simulated switch, its customers, and report files."""
