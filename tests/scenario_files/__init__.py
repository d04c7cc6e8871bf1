"""Scenario files beside rules: their language, what playing them finds, and those of the shipped rules."""
