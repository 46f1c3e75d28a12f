"""``manage.py check_package FILE``: what keeps this package from being submitted?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from program.models import Call
from program.reference import read
from proposals.checks import NO_RULES, Rules, all_problems, flags
from proposals.composition import rules_of
from proposals.decomposition import Keys, problems_of
from proposals.enums import MarketKind
from proposals.merging import Known, merge
from proposals.package import Country, Package, TargetMarket
from proposals.package_file import LARGEST, FileRefused, PackageFile, read_file
from proposals.us_content import us_content

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

    from program.transitions import Problem

READY, NOT_READY, NOT_READ = 0, 1, 2


def imported(file: PackageFile, rules: Rules) -> tuple[Package, list[Problem]]:
    """The package that an empty draft of the file's own consortium becomes, and what no draft can hold of it.

    Names are looked up in the facts that the portal starts from; the database is not asked.
    """
    members = tuple(
        member.model_copy(update={"key": f"member-{number}"})
        for number, member in enumerate(file.consortium.members, 1)
    )
    draft = Package(call=file.call, consortium=file.consortium.model_copy(update={"members": members}))
    countries: dict[str, str] = read("countries")["countries"]
    blocs = {
        code: TargetMarket(
            key="bloc",
            kind=MarketKind.BLOC,
            code=code,
            name=bloc["name"],
            countries=tuple(Country(code=place) for place in bloc["members"] if place != "US"),
        )
        for code, bloc in read("regional_blocs")["blocs"].items()
    }
    requirements = {rule.code: rule for rule in rules.requirements}
    documents = {document.sha256: document for document in file.documents}
    found = merge(draft, file, Known(countries, blocs, requirements, documents))
    keys = Keys(*(dict.fromkeys(names, 1) for names in (blocs, requirements, documents)))
    problems = [*found.errors, *problems_of(found, keys)]
    return (file.package if problems else found.target), problems


class Command(BaseCommand):
    """Check a package file as the portal does; writes nothing anywhere."""

    help = (
        "Check a package file by the rules that the portal asks before a submission. Exits with 0 when "
        "nothing is missing, 1 when something is, 2 when the file cannot be read."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a package file, or - for what comes by standard input")
        parser.add_argument(
            "--call",
            metavar="NUMBER",
            help="also the requirements of this call, as the portal's database has it",
        )

    def handle(self, *, file: str, call: str | None, **options: Any) -> None:
        rules = self.rules_of(call)
        try:
            content = read_file(self.read(file))
        except FileRefused as refusal:
            self.tell(refusal.problems)
            raise CommandError(
                "The file is no package that can be checked.", returncode=NOT_READ
            ) from refusal
        package, unheld = imported(content, rules)
        if unheld:
            self.stdout.write("No draft can hold this, so an import is refused:")
            self.tell(unheld)
        problems = [*unheld, *all_problems(package, rules)]
        self.tell(problems[len(unheld) :])
        if found := flags(package, rules):
            self.stdout.write("Reviewers will look at (this does not stop a submission):")
            self.tell(found)
        figure = us_content(package.hardware, threshold=rules.us_content_threshold)
        percent = "" if figure.percent is None else f", {figure.percent} percent"
        self.stdout.write(f"{figure.label}: {figure.state.label.lower()}{percent}")
        self.stdout.write(f"Content hash (SHA-256): {content.package.sha256}")
        if problems:
            noun = "1 thing keeps" if len(problems) == 1 else f"{len(problems)} things keep"
            message = f"{noun} this package from being submitted."
            raise CommandError(message, returncode=NOT_READY)
        self.stdout.write(self.style.SUCCESS("Nothing is missing."))
        if rules is NO_RULES:
            self.stdout.write("Only the order's own rules were asked. Name the call by --call for the rest.")

    def rules_of(self, number: str | None) -> Rules:
        """What the call demands; without one only what the order does."""
        if number is None:
            return NO_RULES
        call = Call.objects.filter(number=number).exclude(issued_at=None).first()
        if call is None:
            raise CommandError(f"There is no issued call {number}.", returncode=NOT_READ)
        return rules_of(call)

    def read(self, file: str) -> bytes:
        """The content of the file; no more of it than a package may have."""
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        try:
            with Path(file).open("rb") as source:
                return source.read(LARGEST + 1)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.", returncode=NOT_READ) from error

    def tell(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            where = f" ({problem.part})" if problem.part else ""
            self.stdout.write(f"{problem.clause}{where}: {problem.message}")
