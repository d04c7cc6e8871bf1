"""`python -m tests.pictures`: makes the pictures of the README anew, from the real parts.

`docs/demo.svg` is the terminal of `guard demo` a few seconds after the block: the demonstration runs as for anyone, on
a console that records instead of showing.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from guard.commands.demo import DemoOptions
from guard.commands.demo.play import Show, now_ms, play
from guard.commands.demo.screen import Screen
from guard.commands.demo.stage import workplace
from guard.commands.demo.story import Story

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
WIDTH, HEIGHT = 84, 28
SECONDS = 34.0
AT_MS = 28_000
"""After the block (about 21 s), when what was saved has begun to grow."""

# The fonts of whoever looks are good enough: a picture must not ask other machines for something.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


class Recorder:
    """Draws the screen once, at the right moment."""

    def __init__(self, story: Story, url: str) -> None:
        self._story = story
        self._console = Console(
            record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        self._screen = Screen(self._console, story, re.sub(r":\d+$", ":8080", url), now_ms)
        self._done = False

    def update(self) -> None:
        """Something may have changed."""
        if not self._done and now_ms() - self._story.started_at_ms >= AT_MS:
            self._done = True
            self._console.print(self._screen)
            self._console.save_svg(str(PICTURE), title="guard demo", code_format=FORMAT)


def main() -> None:
    """Run the demonstration and keep the picture."""

    def recorder(story: Story, url: str) -> AbstractContextManager[Show]:
        @contextmanager
        def recording() -> Iterator[Show]:
            yield Recorder(story, url)

        return recording()

    with workplace(8080) as place:
        asyncio.run(play(place, DemoOptions(seconds=SECONDS), recorder))
    print(PICTURE)  # noqa: T201 -- the one thing this command says


if __name__ == "__main__":
    main()
