"""What a record says when it cannot be kept; the name of a constraint never reaches a page."""

from __future__ import annotations

from typing import Final

#: For what no form can bring about: our own code wrote what does not hold together
NOT_KEPT: Final = (
    "The portal could not keep this as it stands, and nothing was changed. Tell the Program office."
)


def kind_in_words(code: str) -> str:
    """What kind a notice is: "proposals.anchor_offered" is "Anchor offered"."""
    return code.rpartition(".")[2].replace("-", " ").replace("_", " ").capitalize()
