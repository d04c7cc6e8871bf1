"""`guard`, but for its log, which says everything that it can. For tests of what must not be said."""

from __future__ import annotations

from functools import partial
from unittest.mock import patch

from guard.adapters.log import set_up_logging
from guard.cli import main

if __name__ == "__main__":
    with patch("guard.app.start.set_up_logging", partial(set_up_logging, "debug")):
        main()
