"""The HTTP side against a desk of paper, and uvicorn on a real port."""
