"""A cluster of workers."""
