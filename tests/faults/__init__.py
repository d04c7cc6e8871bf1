"""Real faults, brought about on purpose: what guard promises about each, and that it keeps it (docs/proofs.md)."""
