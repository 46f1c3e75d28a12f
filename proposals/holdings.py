"""Who owns whom in a package, as it states it: shares, chains, and what listed owners hold together.

Pure functions. A party that stands in several places by the same name is one party, so that the owners of a
member that owns another make a chain. Nothing here loops over a circle, and where the figures do not fit no
figure is given.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, localcontext
from types import MappingProxyType
from typing import Final

from proposals.package import Holder, Package

HALF: Final = Decimal("0.5")
WHOLE: Final = Decimal(1)
DIGITS: Final = 60
SAID: Final = 8
NOBODY: Final[Mapping[str, Iterable[Holder]]] = MappingProxyType({})


def name_key(name: str) -> str:
    """What two ways to write one name have in common; a legal form stays, since it tells companies apart."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum() or unicodedata.category(char).startswith("M"))


def percent(share: Decimal) -> str:
    """A share from 0 to 1 as people read it; cut, so that it never reads as a threshold it does not reach."""
    rounded = (share * 100).quantize(Decimal("0.0001"), ROUND_DOWN)
    return f"{rounded.normalize():f} percent"


@dataclass(frozen=True, slots=True)
class Stake:
    """What a holder owns of a party; ``is_ultimate`` where it is stated past the chain between them."""

    holder: str
    owned: str
    share: Decimal
    is_known: bool = True
    has_control: bool = False
    is_ultimate: bool = False


@dataclass(frozen=True)
class Reach:
    """Who is owned by half or more, ``held``, and what is owned of each: direct or stated as ultimate."""

    held: frozenset[str]
    shares: Mapping[tuple[str, bool], Decimal]

    def share(self, node: str) -> Decimal:
        """The larger of both: a chain and the end of it are not added up."""
        return max(self.shares.get((node, kind), Decimal(0)) for kind in (False, True))

    def together(self, node: str) -> Decimal:
        """The most that both can come to, if the ultimate owners are others than the direct ones."""
        return sum((self.shares.get((node, kind), Decimal(0)) for kind in (False, True)), Decimal(0))


@dataclass
class Tree:
    """The parties of a package by ``names``, the ``rows`` they stand in, and the stakes between them."""

    names: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    stakes: list[Stake] = field(default_factory=list)
    disagreements: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, list[Stake]] = field(default_factory=lambda: defaultdict(list))
    owns: dict[str, list[Stake]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, package: Package, elsewhere: Mapping[str, Iterable[Holder]] = NOBODY) -> Tree:
        """Read a package: members with their owners and owners' owners, parents, outside parties.

        ``elsewhere`` are owners of outside parties, by the key of the party, that another package states.
        """
        tree = cls()
        members = package.consortium.members
        aliases: dict[str, str] = {}
        for key, name, others in (
            *((row.key, row.organization.legal_name, row.organization.aliases) for row in members),
            *((row.key, row.legal_name, row.aliases) for row in package.compliance.parties),
        ):
            node = tree.place(key, name, aliases)
            for other in filter(None, map(name_key, others)):
                aliases.setdefault(other, node)
        for key, name in (
            *((row.key, row.organization.ultimate_parent) for row in members),
            *((row.key, row.ultimate_parent) for row in package.compliance.parties),
        ):
            if name:
                tree.place(f"{key}-parent", name, aliases)
        for site in package.operating_model.sites:
            for role in site.roles:
                if role.third_party_name:
                    tree.place(role.key, role.third_party_name, aliases)
        said: list[tuple[str, Stake]] = []
        for member in members:
            holders = member.organization.holders
            for holder in holders:
                tree.place(holder.key, holder.name, aliases)
            said += ((member.key, tree.stake(holder, member.key)) for holder in holders)
        for key, known in elsewhere.items():
            for holder in known:
                tree.place(holder.key, holder.name, aliases)
            said += ((key, tree.stake(holder, key)) for holder in known)
        for stake in tree.agreed(said):
            tree.add(stake)
        return tree

    def place(self, row: str, name: str, aliases: Mapping[str, str]) -> str:
        """The party that stands in ``row``."""
        key = name_key(name)
        node = aliases.get(key, key) or f"row {row}"
        self.names.setdefault(node, name.strip() or "A holder without a name")
        self.rows[row] = node
        return node

    def stake(self, holder: Holder, member: str) -> Stake:
        return Stake(
            holder=self.rows[holder.key],
            owned=self.rows.get(holder.owns or member, f"row {holder.owns}"),
            share=holder.share or Decimal(0),
            is_known=holder.share is not None,
            has_control=holder.has_control,
            is_ultimate=holder.is_ultimate,
        )

    def agreed(self, said: Iterable[tuple[str, Stake]]) -> Iterator[Stake]:
        """One stake for each pair: added up within one list of owners, the largest where lists differ."""
        lists: dict[tuple[str, str, bool], dict[str, list[Stake]]] = {}
        for source, stake in said:
            pair = (stake.holder, stake.owned, stake.is_ultimate)
            lists.setdefault(pair, {}).setdefault(source, []).append(stake)
        for (holder, owned, is_ultimate), by_source in lists.items():
            sums = {sum((one.share for one in rows), Decimal(0)) for rows in by_source.values()}
            rows = [one for found in by_source.values() for one in found]
            if len(sums) > 1 and all(one.is_known for one in rows):
                figures = " and ".join(percent(figure) for figure in sorted(sums))
                words = f"{self.name(holder)} is said to own {figures} of {self.name(owned)}."
                self.disagreements.setdefault(owned, []).append(words)
            yield Stake(
                holder,
                owned,
                max(sums),
                all(one.is_known for one in rows),
                any(one.has_control for one in rows),
                is_ultimate,
            )

    def add(self, stake: Stake) -> None:
        self.stakes.append(stake)
        self.owners[stake.owned].append(stake)
        self.owns[stake.holder].append(stake)

    def name(self, node: str) -> str:
        return self.names.get(node, "An owner that is not in the list")

    # What lies above a party

    def above(self, node: str) -> list[str]:
        """The party and everybody who owns of it, nearest first."""
        seen, queue = {node: None}, deque([node])
        while queue:
            for stake in self.owners.get(queue.popleft(), ()):
                if stake.holder not in seen:
                    seen[stake.holder] = None
                    queue.append(stake.holder)
        return list(seen)

    def total(self, node: str, *, is_ultimate: bool) -> Decimal:
        stakes = (stake for stake in self.owners.get(node, ()) if stake.is_ultimate == is_ultimate)
        return sum((stake.share for stake in stakes), Decimal(0))

    def sentences(self, nodes: Iterable[str]) -> list[str]:
        """Every stake in ``nodes``, in words."""
        return [self.say(stake) for node in nodes for stake in self.owners.get(node, ())]

    def say(self, stake: Stake) -> str:
        share = percent(stake.share) if stake.is_known else "a share that is not known"
        how = " as an ultimate owner" if stake.is_ultimate else ""
        control = ", with rights of control" if stake.has_control else ""
        return f"{self.name(stake.holder)} owns {share} of {self.name(stake.owned)}{how}{control}."

    # What does not fit

    def troubles(self, nodes: Collection[str]) -> list[str]:
        """What does not fit among ``nodes``, in words: more than 100 percent, a circle, two figures."""
        return [
            *self.too_much(nodes),
            *map(self.circle_in_words, self.circles(nodes)),
            *(words for node in nodes for words in self.disagreements.get(node, ())),
        ]

    def too_much(self, nodes: Iterable[str]) -> Iterator[str]:
        for node in nodes:
            for is_ultimate, kind in ((False, "owners"), (True, "ultimate owners")):
                total = self.total(node, is_ultimate=is_ultimate)
                if total > WHOLE:
                    parts = [
                        f"{self.name(stake.holder)} {percent(stake.share)}"
                        for stake in self.owners[node]
                        if stake.is_ultimate == is_ultimate and stake.share
                    ]
                    whole = f"The {kind} of {self.name(node)} add up to {percent(total)}"
                    yield f"{whole}: {in_a_row(parts, ', ')}."

    def circle_in_words(self, circle: list[str]) -> str:
        names = [self.name(node) for node in circle]
        if len(names) == 1:
            return f"{names[0]} is said to own a share of itself."
        return f"Owners go in a circle: {in_a_row([*names, names[0]], ' owns ')}."

    def circles(self, nodes: Collection[str]) -> list[list[str]]:
        """Each circle that a walk over ``nodes`` from owned to owner closes, as owners of the next."""
        inside, done, found = set(nodes), set[str](), dict[frozenset[str], list[str]]()
        for start in nodes:
            if start in done:
                continue
            path, on_path = [start], {start: 0}
            walks = [iter(self.owners.get(start, ()))]
            while walks:
                stake = next(walks[-1], None)
                if stake is None:
                    walks.pop()
                    left = path.pop()
                    del on_path[left]
                    done.add(left)
                elif stake.holder in on_path:
                    circle = path[on_path[stake.holder] :][::-1]
                    found.setdefault(frozenset(circle), circle)
                elif stake.holder in inside and stake.holder not in done:
                    on_path[stake.holder] = len(path)
                    path.append(stake.holder)
                    walks.append(iter(self.owners.get(stake.holder, ())))
        return list(found.values())

    # What listed owners hold

    def reach(self, listed: Collection[str], *, at_most: bool = False) -> Reach:
        """Whom ``listed`` own by half or more in the aggregate, directly or through whom they so own.

        ``at_most`` takes a share that is not known for all that is left of its party.
        """
        shares: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
        held, queue, loose = set(listed), deque(sorted(listed)), set[tuple[str, bool]]()
        while queue:
            for stake in self.owns.get(queue.popleft(), ()):
                place = (stake.owned, stake.is_ultimate)
                shares[place] += stake.share
                if at_most and not stake.is_known and place not in loose:
                    loose.add(place)
                    left = WHOLE - self.total(stake.owned, is_ultimate=stake.is_ultimate)
                    shares[place] += max(Decimal(0), left)
                if shares[place] >= HALF and stake.owned not in held:
                    held.add(stake.owned)
                    queue.append(stake.owned)
        return Reach(frozenset(held), dict(shares))

    def along_chains(self, node: str, listed: Collection[str]) -> Decimal | None:
        """What ``listed`` own of a party when shares are multiplied along each chain of direct owners.

        None where what is stated above it does not fit: a circle, more than 100 percent, two figures.
        """
        above = self.above(node)
        if self.troubles(above):
            return None
        left = {one: sum(not stake.is_ultimate for stake in self.owners.get(one, ())) for one in above}
        ready, shares = deque(one for one in above if not left[one]), dict.fromkeys(above, Decimal(0))
        with localcontext() as context:
            context.prec = DIGITS
            while ready:
                holder = ready.popleft()
                weight = WHOLE if holder in listed else shares[holder]
                for stake in self.owns.get(holder, ()):
                    if not stake.is_ultimate and stake.owned in left:
                        shares[stake.owned] += stake.share * weight
                        left[stake.owned] -= 1
                        if not left[stake.owned]:
                            ready.append(stake.owned)
        return shares[node]


def in_a_row(words: list[str], between: str) -> str:
    """The first and the last of a long row, and how many are left out."""
    if len(words) <= SAID:
        return between.join(words)
    half = SAID // 2
    return between.join([*words[:half], f"({len(words) - SAID} more)", *words[-half:]])
