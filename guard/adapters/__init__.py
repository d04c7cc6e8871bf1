"""The outside, one library each: what `guard.ports` asks for, made of what there is."""
