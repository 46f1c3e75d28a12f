"""What a page says of one agency's consultation: a row of a list, which is read without its records."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from evaluation.enums import ReferralStatus, Stance
from evaluation.models.consultation import replaced_in_words, status_in_words
from evaluation.querysets.consultation import RUNNING

if TYPE_CHECKING:
    from evaluation.models import Referral


class Consultation(NamedTuple):
    """As a referral is kept; ``newest`` is the number of the proposal's last version, ``stance`` may be "".

    What is null in the database is None: ``paused_at``, ``answered_at``, ``ended_at``, ``settled_on``.
    """

    pk: int
    proposal: int
    agency: str
    code: str
    sort_order: int
    version: int
    newest: int
    proposal_status: str
    status: str
    carry: str
    stance: str | None
    opened_at: datetime
    due_at: datetime
    paused_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    stood_days: int
    settled_on: date | None

    @classmethod
    def of(cls, referral: Referral) -> Self:
        """From a record, read with its agency, position, version and proposal."""
        version, agency, position = referral.version, referral.agency, referral.position
        return cls(
            proposal=version.proposal_id,
            agency=str(agency),
            code=agency.code,
            sort_order=agency.sort_order,
            version=version.number,
            newest=version.proposal.version_count,
            proposal_status=version.proposal.status,
            stance=position.stance if position else None,
            **{name: getattr(referral, name) for name in KEPT},
        )

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def answer(self) -> Stance | None:
        """The stance of the position that stands."""
        return Stance(self.stance) if self.stance and self.status == ReferralStatus.ANSWERED else None

    @property
    def is_replaced(self) -> bool:
        """Whether nobody is asked any more: a newer version came, and the clock will say that it ended."""
        return self.is_running and self.version < self.newest

    @property
    def status_words(self) -> str:
        return status_in_words(self.status, self.version, self.newest, self.proposal_status)

    @property
    def replaced_by(self) -> str:
        return replaced_in_words(self.version, self.newest)


#: Where a question finds what the referral itself does not have
PATHS: Final = {
    "proposal": "version__proposal",
    "agency": "agency__display_name",
    "code": "agency__code",
    "sort_order": "agency__sort_order",
    "version": "version__number",
    "newest": "version__proposal__version_count",
    "proposal_status": "version__proposal__status",
    "stance": "position__stance",
}
#: Columns of the referral
KEPT: Final = tuple(name for name in Consultation._fields if name not in PATHS)
#: What a question asks for, in the order of ``Consultation``
COLUMNS: Final = tuple(PATHS.get(name, name) for name in Consultation._fields)
