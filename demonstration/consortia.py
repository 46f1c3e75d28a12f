"""The fourteen fictional consortia of ``data/consortia.json``: how each forms and fills its package."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.files.base import ContentFile
from django.utils.text import slugify

from demonstration.people import person
from program import clock
from program.documents import store_document
from program.enums import Mark, StackLayer
from program.models import Bloc, Call, Country, Organization, User
from program.services.people import register_organization
from program.withheld import withheld_for
from proposals import services
from proposals.checks.compliance import is_advanced
from proposals.composition import compose
from proposals.enums import (
    AuthorityBasis,
    HardwareType,
    MembershipStatus,
    OperatingAct,
    Part,
    SiteStatus,
    TeamRole,
)
from proposals.invitations import token_of
from proposals.models import (
    Component,
    Consortium,
    Holding,
    Invitation,
    Membership,
    OutsideParty,
    Proposal,
    Site,
    SupportRequest,
    TargetMarket,
    Version,
)
from proposals.questionnaire import BY_CODE
from proposals.services.beginning import save_holding

if TYPE_CHECKING:
    from collections.abc import Iterator

Facts = dict[str, Any]
FOLDER: Final = Path(__file__).resolve().parent / "data"
SUFFIX: Final = re.compile(r",? (Inc\.|Corp\.|LLC|Co\.|Ltd|Pvt Ltd|Cooperative)?\s*\(fictional\)$")
COMPLIANCE_PROGRAM: Final = (
    "A compliance officer with a staff of her own reviews every order before it is accepted, before it "
    "ships and once a year afterwards. Members report to her directly. Records are kept for seven years "
    "and audited every spring."
)
REMOTE_ACCESS: Final = (
    "Only identified customers get remote access. Each gives its legal name, owners and place of use; "
    "accounts are tied to hardware keys, and access from any other country is refused and looked into."
)
EXPLAINED: Final = {
    "parties-screened": "All members, owners of 10 percent or more and the parties named here were "
    "screened against the Consolidated Screening List by two people in the month of submission. There were "
    "no matches.",
    "classifications-reviewed": "Reviewed by in-house counsel and an outside engineer; worksheets are "
    "kept by the anchor.",
    "export-controls": "Accelerators above the thresholds of 15 CFR part 740 ship only under the license "
    "or exception named with the line.",
}


@dataclass(frozen=True)
class Book:
    """The file of consortia with the names of its columns."""

    columns: dict[str, list[str]]
    consortia: list[Facts]

    def rows(self, facts: Facts, part: str) -> Iterator[Facts]:
        """The rows of one part of a package; an empty cell was not given."""
        for cells in facts[part]:
            named = dict(zip(self.columns[part], cells, strict=True))
            yield {name: value for name, value in named.items() if value not in ("", None)}


def read_book() -> Book:
    content: Facts = json.loads((FOLDER / "consortia.json").read_text(encoding="utf-8"))
    columns = {
        name.removesuffix("_columns"): value for name, value in content.items() if name.endswith("_columns")
    }
    return Book(columns, content["consortia"])


class Days:
    """Moves the clock from one working moment to the next, so that no two acts share an instant."""

    def __init__(self, begin: datetime) -> None:
        self.moment = begin

    @contextmanager
    def later(self, **span: float) -> Iterator[None]:
        """Let the clock stand later by ``span``."""
        self.moment += timedelta(**span)
        with clock.moved_to(self.moment):
            yield


class Formation:
    """One consortium from its first member to its certified package."""

    def __init__(self, book: Book, facts: Facts, call: Call, begin: datetime) -> None:
        self.book, self.facts, self.call = book, facts, call
        self.days = Days(begin)
        self.countries = Country.objects.in_bulk()
        self.members: list[Membership] = []
        self.founder = self.person_of(facts["members"][0])

    def person_of(self, member: Facts) -> User:
        """The person who acts for a member organization; ``domain`` is for a name without Latin letters."""
        return self.at_firm(member["person"], member["title"], member.get("domain") or member["name"])

    def at_firm(self, name: str, title: str, firm: str) -> User:
        mailbox, domain = slugify(name).replace("-", ".", 1), slugify(SUFFIX.sub("", firm))
        return person(f"{mailbox}@{domain}.example", name, title)

    def form(self) -> Consortium:
        """Register the organizations, found the consortium, invite the members; each consents in its turn.

        ``pending`` in the file names a member that was invited and has not answered, ``undecided`` one whose
        person has joined and has not consented yet.
        """
        first, *others = self.facts["members"]
        with self.days.later(hours=1):
            anchor = self.register(first, self.founder)
            consortium = services.create_consortium(
                self.facts["name"],
                anchor,
                by=self.founder,
                role_text=first["role"],
                description=self.facts.get("description") or self.facts["summary"],
            )
            self.members = list(consortium.memberships.all())
            self.add_team(self.members[0])
        for number, member in enumerate(others, start=1):
            delegate = self.person_of(member)
            with self.days.later(hours=2):
                organization = self.register(member, delegate)
                invitation = services.invite_member(
                    consortium, organization, by=self.founder, email=delegate.email, role_text=member["role"]
                )
            self.members.append(invitation.membership)
            if number == self.facts.get("pending"):
                continue
            with self.days.later(hours=3):
                services.accept_invitation(token_of(invitation), by=delegate)
                services.add_team_member(
                    invitation.membership, delegate, by=delegate, role=TeamRole.AUTHORIZED_REPRESENTATIVE
                )
                if number != self.facts.get("undecided"):
                    services.consent(invitation.membership, by=delegate)
                # Mail of a past day: the link was used, nothing is owed any more.
                Invitation.objects.filter(pk=invitation.pk).update(mailed_at=clock.instant())
        return consortium

    def register(self, member: Facts, by: User) -> Organization:
        country = self.countries[member["country"]]
        organization = register_organization(
            Organization(
                legal_name=member["name"],
                aliases=member.get("aliases", ""),
                uei=member["uei"],
                cage=member.get("cage", ""),
                incorporated_in=country,
                headquartered_in=country,
                is_small_business=member["small"],
                ultimate_parent=member["parent"],
                parent_country=country if member["parent"] else None,
            ),
            by=by,
        )
        for holder, code, share, *rights in member["owners"]:
            values = {
                "holder_name": holder,
                "holder_country": self.countries[code],
                "share": Decimal(share),
                "has_control": "control" in rights,
                "is_ultimate": "ultimate" in rights,
            }
            save_holding(Holding(organization=organization), by=by, revision=None, values=values)
        return organization

    def add_team(self, anchor: Membership) -> None:
        """The founder represents the anchor, too; further people of the anchor come by invitation."""
        services.add_team_member(
            anchor, self.founder, by=self.founder, role=TeamRole.AUTHORIZED_REPRESENTATIVE
        )
        for place in self.facts.get("team", ()):
            user = self.at_firm(place["person"], place["title"], self.facts["members"][0]["name"])
            invitation = services.invite_person(anchor, by=self.founder, email=user.email, role=place["role"])
            services.accept_invitation(token_of(invitation), by=user)
            Invitation.objects.filter(pk=invitation.pk).update(mailed_at=clock.instant())

    def draft(self, consortium: Consortium) -> Proposal:
        """Fill the package part by part with whatever the file gives."""
        with self.days.later(hours=1):
            proposal = services.create_proposal(
                self.call, consortium, by=self.founder, title=self.facts["title"]
            )
            self.overview(proposal)
        for part, fill in (
            ("layers", self.layers),
            ("markets", self.markets),
            ("sites", self.sites),
            ("support", self.support),
            ("parties", self.parties),
            ("end_uses", self.compliance),
        ):
            if part == "layers" or self.facts[part]:
                with self.days.later(minutes=50):
                    fill(proposal)
        self.consents_again()
        if counsel := self.facts.get("counsel"):
            with self.days.later(minutes=10):
                to = person(counsel["email"], counsel["person"], counsel["title"])
                right = "change" if counsel.get("can_edit") else "view"
                services.grant_access(
                    proposal, to=to, by=self.founder, permission=f"proposals.{right}_proposal"
                )
        return proposal

    def consents_again(self) -> None:
        """Each member reads what it is asked to supply, now that the package says so, and consents to it."""
        for member, facts in zip(self.members, self.facts["members"], strict=True):
            member.refresh_from_db()
            if member.status == MembershipStatus.CONSENTED and not member.is_consent_current:
                with self.days.later(minutes=20):
                    services.consent(member, by=self.person_of(facts))

    def overview(self, proposal: Proposal) -> None:
        values = {
            "summary": self.facts["summary"],
            "contact_name": self.founder.name,
            "contact_email": self.founder.email,
            "operating_model": self.facts["operating_model"],
        }
        services.save_row(proposal, by=self.founder, values=values, revision=proposal.revision)

    def layers(self, proposal: Proposal) -> None:
        for layer in StackLayer:
            for order, row in enumerate(self.book.rows(self.facts, layer.value), start=1):
                component = Component(proposal=proposal, layer=layer, sort_order=order * 10)
                services.add_row(component, by=self.writer(row), values=self.component(layer, row))
        told = self.facts.get("provisions", {})
        for place, (membership, member) in enumerate(zip(self.members, self.facts["members"], strict=True)):
            for layer in member["layers"]:
                services.provide_layer(
                    proposal,
                    by=self.founder,
                    membership=membership,
                    layer=layer,
                    description=told.get(f"{place} {layer}", ""),
                )

    def writer(self, row: Facts) -> User:
        """Who enters a component."""
        return self.founder

    def component(self, layer: StackLayer, row: Facts) -> Facts:
        """A row of the file as columns: places as countries, amounts as decimals, its supplier a member."""
        values: Facts = {"jurisdiction": "ear", **row, "supplier": self.members[row["supplier"]]}
        for place in ("country_of_origin", "country_of_assembly"):
            if place in row:
                values[place] = self.countries[row[place]]
        for number in ("total_value_usd", "us_content_value_usd", "tpp", "performance_density"):
            if number in row:
                values[number] = Decimal(row[number])
        if layer == StackLayer.HARDWARE:
            if is_advanced(row.get("eccn", "")):
                values.setdefault("license_basis", "A license is asked for once the package is designated.")
            values["eccn_basis"] = "manufacturer" if row.get("maker") not in self.firms else "self"
            values["is_datacenter"] = row["subtype"] != HardwareType.OTHER
            if row["subtype"] == HardwareType.SERVER:
                values.setdefault("tpp", Decimal(0))
        return values

    @property
    def firms(self) -> set[str]:
        """Names by which the members call themselves as makers."""
        names = [SUFFIX.sub("", member["name"]) for member in self.facts["members"]]
        return {name for full in names for name in (full, full.rsplit(" ", 1)[0], full.split(" ")[0])}

    def markets(self, proposal: Proposal) -> None:
        for market in self.facts["markets"]:
            values = {name: market[name] for name in ("national_interest", "demand_evidence", "end_users")}
            if "country" in market:
                values["country"] = self.countries[market["country"]]
            elif "list_name" in market:
                values["list_name"] = market["list_name"]
                values["countries"] = [self.countries[code] for code in market["countries"]]
            else:
                values["bloc"] = Bloc.objects.get(code=market["bloc"])
            services.add_row(TargetMarket(proposal=proposal), by=self.founder, values=values)

    def sites(self, proposal: Proposal) -> None:
        for site in self.facts["sites"]:
            row = services.add_row(
                Site(proposal=proposal),
                by=self.founder,
                values={
                    "name": site["name"],
                    "kind": site["kind"],
                    "location": site["location"],
                    "country": self.countries[site["country"]],
                    "capacity_mw": Decimal(site["mw"]),
                    "status": site.get("status", SiteStatus.PLANNED),
                },
            )
            for act in OperatingAct:
                if act.value in site:
                    services.set_operating_role(row, by=self.founder, act=act, **self.role(site[act.value]))

    def role(self, who: int | str) -> Facts:
        """A member by its place in the list, or a third party as “name|country”."""
        if isinstance(who, int):
            return {"membership": self.members[who]}
        name, _, country = who.partition("|")
        return {"third_party_name": name, "third_party_country": self.countries[country]}

    def support(self, proposal: Proposal) -> None:
        for row in self.book.rows(self.facts, "support"):
            if "amount_usd" in row:
                row["amount_usd"] = Decimal(row["amount_usd"])
            services.add_row(SupportRequest(proposal=proposal), by=self.founder, values=row)

    def parties(self, proposal: Proposal) -> None:
        for row in self.book.rows(self.facts, "parties"):
            values = {**row, "country": self.countries[row["country"]]}
            services.add_row(OutsideParty(proposal=proposal), by=self.founder, values=values)

    def compliance(self, proposal: Proposal) -> None:
        proposal.refresh_from_db()
        officer = self.person_of(self.facts["members"][-1])
        values = {
            "end_uses": self.facts["end_uses"],
            "program_summary": self.facts.get("program_summary", COMPLIANCE_PROGRAM),
            "remote_access_policy": self.facts.get("remote_access_policy", REMOTE_ACCESS),
            "compliance_officer_name": officer.name,
            "compliance_officer_email": officer.email,
        }
        if codes := self.facts.get("cloud_access_countries"):
            values["cloud_access_countries"] = [self.countries[code] for code in codes]
        services.save_row(proposal, by=self.founder, values=values, revision=proposal.revision)
        for statement in proposal.compliance_statements.all():
            told = self.facts.get("statements", {}).get(statement.subject, {})
            values = {
                "answer": told.get("answer", BY_CODE[statement.subject].answers[0]),
                "explanation": told.get("text", EXPLAINED.get(statement.subject, "")),
            }
            services.save_row(statement, by=self.founder, values=values, revision=statement.revision)

    def attach(self, proposal: Proposal) -> None:
        """The list of hardware as a table, and the letter of demand where the file has one."""
        with self.days.later(minutes=20):
            self._attach(
                proposal,
                f"{self.facts['key']}-hardware.csv",
                self.hardware_table(),
                Part.HARDWARE,
                "Lines of hardware with U.S. content",
                "Prices and quantities are not public.",
            )
            letter = FOLDER / f"{self.facts['key']}-letter.pdf"
            if letter.exists():
                self._attach(
                    proposal,
                    letter.name,
                    letter.read_bytes(),
                    Part.MARKETS,
                    "Letter of intent",
                    "The signer asked that the letter not be published.",
                )

    def _attach(
        self,
        proposal: Proposal,
        name: str,
        content: bytes,
        part: str,
        caption: str,
        justification: str,
        mark: str = Mark.BUSINESS_CONFIDENTIAL,
        row_key: str = "",
    ) -> None:
        document = store_document(
            ContentFile(content, name=name), by=self.founder, mark=mark, justification=justification
        )
        attachment = services.attach_document(
            proposal, document, by=self.founder, part=part, caption=caption, row_key=row_key
        )
        if withheld_for(document) == "unscanned":
            services.release_file(attachment, by=self.founder)

    def hardware_table(self) -> bytes:
        names = self.book.columns["hardware"][:-1]
        table = io.StringIO()
        writer = csv.DictWriter(table, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.book.rows(self.facts, "hardware"))
        return table.getvalue().encode()

    def submit(self, proposal: Proposal, *, note: str = "") -> Version:
        """Certify what stands and submit it, or submit it again."""
        with self.days.later(minutes=30):
            services.certify_proposal(
                proposal,
                by=self.founder,
                content_sha256=compose(proposal).sha256,
                typed_signature=self.founder.name,
                authority_basis=AuthorityBasis.OFFICER,
            )
        with self.days.later(minutes=5):
            act = services.resubmit_proposal if proposal.submitted_at else services.submit_proposal
            return act(proposal, by=self.founder, note=note)
