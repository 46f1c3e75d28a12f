"""The text that is read, cleared and signed of a determination and of an amendment, as canonical JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation import packets, terms
from evaluation.models import DesignationAmendment, Determination
from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluation.models import Decision

#: Of each kind: everything that lies before who clears or signs, without a clearance
COMPILED: Final[dict[type[Decision], Callable[[Any], dict[str, Any]]]] = {
    Determination: packets.compiled,
    DesignationAmendment: terms.compiled,
}


def sha256_to_clear(record: Decision) -> str:
    """The SHA-256 of the draft as it stands at this moment, without a clearance: what is cleared."""
    return sha256_hex(canonical_json(COMPILED[type(record)](record)))


def text_to_sign(record: Decision) -> str:
    """The draft as it stands at this moment, with the clearance that was given on it, if one was."""
    return canonical_json(record.with_clearance(COMPILED[type(record)](record)))
