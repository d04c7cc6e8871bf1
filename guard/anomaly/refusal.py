"""Why a model is not used. Apart from what reads models, which numpy comes with: most who ask have none."""

from __future__ import annotations


class ArtefactError(ValueError):
    """A model that cannot be used; the text says what is wrong, where, and what to do."""
