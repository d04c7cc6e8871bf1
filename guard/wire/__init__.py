"""The codec: bytes from outside become validated records, records become the contract's bytes; nothing else.

Rules of this folder: the standard library, msgspec and `guard.core` only; no I/O, no clock (the time of receipt is an
argument), no logging. Whatever arrives, a decoder returns records and refusals: it raises nothing, takes a time
bounded by the payload's 1 MiB, and a refusal says where and which rule, never what the message said. Encoders take
records that are valid by construction and write exactly the words of the contract.
"""
