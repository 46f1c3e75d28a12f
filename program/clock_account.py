"""The account under which the portal acts by itself."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from program.enums import OfficeRole
from program.models import Agency, Office, User

CLOCK_ADDRESS = "clock@service.invalid"
ORDER_SIGNED_ON = date(2025, 7, 23)  # E.O. 14320; the clock is in office for as long as there is a Program


def clock_account() -> User:
    """The service account under which the clock acts; made when it is missing."""
    with transaction.atomic():
        account, made = User.objects.get_or_create(
            email=CLOCK_ADDRESS, defaults={"name": "Program clock", "is_service": True}
        )
        if made:
            account.set_unusable_password()
            account.save(update_fields=["password"])
        commerce = Agency.objects.get(code="COMMERCE")
        Office.objects.get_or_create(
            user=account, agency=commerce, role=OfficeRole.CLOCK, defaults={"effective_from": ORDER_SIGNED_ON}
        )
    return account
