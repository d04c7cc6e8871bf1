"""guard: stops a hacked phone system before its credit limit is gone.

The package is a functional core in an async shell. `core` decides and knows neither clock nor network; `wire` turns
bytes into records and back; `ports` names what the shell needs from outside; `adapters` provide it, one library each;
`shell` moves batches from the source through the engine into the store and out again; `app` is the one place where
all of it is put together. Where `core` has been built as machine code (`compiled`), it is put before the sources here.
"""

from guard.compiled import prefer_compiled

__version__ = "0.1.0"

prefer_compiled()
