"""What becomes of an agency's position when a new version is accepted: a rule per part, and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.enums import Carry, Stance
from proposals.enums import Part

if TYPE_CHECKING:
    from collections.abc import Collection

#: What a change means for a position that did not speak of the part. Who takes part, where the package
#: goes and which rules bind it touch every agency; the rest touches only who spoke of it.
WHEN_NOT_COMMENTED: Final[dict[Part, Carry]] = {
    Part.OVERVIEW: Carry.KEEP,
    Part.CONSORTIUM: Carry.RECONFIRM,
    Part.HARDWARE: Carry.KEEP,
    Part.DATA: Carry.KEEP,
    Part.MODELS: Carry.KEEP,
    Part.SECURITY: Carry.KEEP,
    Part.APPLICATIONS: Carry.KEEP,
    Part.MARKETS: Carry.RECONFIRM,
    Part.OPERATING_MODEL: Carry.KEEP,
    Part.SUPPORT: Carry.KEEP,
    Part.COMPLIANCE: Carry.RECONFIRM,
    Part.REQUIREMENTS: Carry.KEEP,
    Part.DOCUMENTS: Carry.KEEP,
}


def carry(changed: Collection[Part], commented: Collection[str], stance: str) -> tuple[Carry, str]:
    """Keep, confirm again or open again, with the reason in words.

    A position on the whole package (``commented`` empty) is opened again by any change; so is an objection,
    because the change may answer it.
    """
    if not changed:
        return Carry.KEEP, "Nothing in the package changed."
    names = _names(changed)
    if stance == Stance.OBJECT:
        return Carry.REOPEN, f"Changed: {names}. The agency objected, and the change may answer that."
    if not commented:
        return Carry.REOPEN, f"Changed: {names}. The position speaks of the whole package."
    if touched := [part for part in changed if part in commented]:
        return Carry.REOPEN, f"Changed: {_names(touched)}, of which the position speaks."
    if for_all := [part for part in changed if WHEN_NOT_COMMENTED[part] == Carry.RECONFIRM]:
        return Carry.RECONFIRM, f"Changed: {_names(for_all)}, which concerns every agency."
    return Carry.KEEP, f"Changed: {names}, of which the position does not speak."


def _names(parts: Collection[Part]) -> str:
    return ", ".join(part.label for part in Part if part in parts)
