"""``manage.py appoint_first_officer``: open the Program office of a new portal, with two officers."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from program.models import Office, User
from program.services.people import FOUNDERS, appoint_first_officer


class Command(BaseCommand):
    """Appoint the first two program officers, one at a time; the page of offices gives the later ones."""

    help = "Appoint a program officer of a new portal; refused once there are two."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address with which the person signed up")
        parser.add_argument("--basis", required=True, help="the act of appointment, such as a memorandum")

    def handle(self, *, email: str, basis: str, **options: Any) -> None:
        person = User.objects.filter(email=email.strip().lower(), is_active=True, is_service=False).first()
        if person is None:
            raise CommandError(f"Nobody signs in as {email}. Let the person sign up first.")
        try:
            office = appoint_first_officer(person, basis=basis)
        except PermissionDenied as refusal:
            raise CommandError(str(refusal)) from refusal
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        self.stdout.write(self.style.SUCCESS(f"{person} is now {office}."))
        if Office.objects.in_force().filter(role=office.role).count() < FOUNDERS:
            self.stdout.write("Appoint a second one likewise: an officer alone appoints nobody.")
