"""The composition root: what it decides by itself; what it puts together is tried whole, in tests/acceptance."""
