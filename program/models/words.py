"""What a record says when it cannot be kept; the name of a constraint never reaches a page."""

from __future__ import annotations

from typing import Final

#: For what no form can bring about: our own code wrote what does not hold together
NOT_KEPT: Final = (
    "The portal could not keep this as it stands, and nothing was changed. Tell the Program office."
)


#: Kinds that their codes alone would name badly, or like another kind
KINDS: Final = {
    "call-closed-at-desk": "Call closed, for the Program office",
    "proposals.lapsed": "Draft lapsed",
    "evaluation.referred": "Referred to an agency",
    "evaluation.answered": "Question to a consortium answered",
    "evaluation.lapsed": "No response of an agency",
    "evaluation.amended": "Designation amended",
    "financing.referred": "Referred to the holder of a tool",
    "financing.answered": "Referral to a tool answered",
    "financing.designation_amended": "Designation amended, for the EDAG",
    "financing.designation_changed": "Designation changed, for the EDAG",
}


def kind_in_words(code: str) -> str:
    """What kind a notice is: "proposals.anchor_offered" is "Anchor offered"."""
    if code in KINDS:
        return KINDS[code]
    return code.rpartition(".")[2].replace("-", " ").replace("_", " ").capitalize()
