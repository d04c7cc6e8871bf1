"""The compiled core: which build may be used, how sources are rewritten for the compiler, and that it is in use."""
