"""Who owns whom: shares of chains and of many, circles, more than 100 percent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proposals.checks.eligibility import identifies_consortium
from proposals.checks.flags import flags
from proposals.holdings import HALF, Stake, Tree, name_key, percent
from proposals.package import Holder
from tests.factories.packages import complete_package, member
from tests.proposals.test_checks import CN, LISTED, consortium

BAD = "Blocked"


def holder(name, share, key=None, **facts):
    return Holder(key=key or name, name=name, share=None if share is None else Decimal(share), **facts)


def tree_of(*stakes):
    """A tree from triples of holder, owned and percent."""
    tree = Tree()
    for owner, owned, share in stakes:
        tree.names.setdefault(owner, owner)
        tree.names.setdefault(owned, owned)
        known = share is not None
        tree.add(Stake(owner, owned, Decimal(share or 0) / 100, is_known=known))
    return tree


# The cases of the OFAC 50 percent rule, domain notes 5.3: directly or indirectly, in the aggregate
CASES = [
    ("half is enough", [(BAD, "A", 50)], True),
    ("just below half", [(BAD, "A", "49.9999")], False),
    ("two blocked in the aggregate", [(BAD, "A", 25), ("Blocked 2", "A", 25)], True),
    ("two in the aggregate below", [(BAD, "A", 25), ("Blocked 2", "A", "24.99")], False),
    ("through a company that is blocked by it", [(BAD, "B", 50), ("B", "A", 50)], True),
    ("through a company of which less is held", [(BAD, "B", 49), ("B", "A", 100)], False),
    ("a blocked owner counts wholly", [(BAD, "B", 50), ("B", "A", 30), (BAD, "A", 20)], True),
    ("a chain and a direct share below", [(BAD, "B", 50), ("B", "A", 30), (BAD, "A", "19.9")], False),
    ("three steps", [(BAD, "C", 100), ("C", "B", 51), ("B", "A", 50)], True),
    ("nobody blocked", [("Fund", "A", 100)], False),
]


@pytest.mark.parametrize(("stakes", "is_held"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_half_in_the_aggregate_directly_or_through_whom_half_is_held(stakes, is_held):
    reach = tree_of(*stakes).reach({BAD, "Blocked 2"})
    assert (("A" in reach.held), reach.share("A") >= HALF) == (is_held, is_held)


def test_shares_are_multiplied_along_chains():
    tree = tree_of((BAD, "B", 49), ("B", "A", 60), (BAD, "A", 40))
    assert tree.along_chains("A", {BAD}) == Decimal("0.694")
    assert tree.reach({BAD}).share("A") == Decimal("0.4")


def test_a_share_that_is_not_known_is_at_most_what_is_left():
    tree = tree_of((BAD, "A", None), ("Fund", "A", 45))
    assert (tree.reach({BAD}).share("A"), tree.reach({BAD}, at_most=True).share("A")) == (0, Decimal("0.55"))


def test_a_circle_is_named_once_and_gives_no_figure():
    tree = tree_of((BAD, "A", 30), ("C", "A", 70), ("A", "B", 60), ("B", "C", 60), ("C", "C", 1))
    assert tree.troubles(tree.above("A")) == [
        "Owners go in a circle: B owns C owns A owns B.",
        "C is said to own a share of itself.",
    ]
    assert tree.along_chains("A", {BAD}) is None
    assert tree.reach({BAD}).share("A") == Decimal("0.3")


def test_a_blocked_party_reaches_all_round_a_circle():
    tree = tree_of((BAD, "A", 50), ("A", "B", 60), ("B", "C", 60), ("C", "A", 50))
    assert tree.reach({BAD}).held == {BAD, "A", "B", "C"}


def test_more_than_100_percent_names_the_owners_and_gives_no_figure():
    tree = tree_of(("Fund", "B", 70), (BAD, "B", 60), ("B", "A", 100))
    assert tree.troubles(tree.above("A")) == [
        "The owners of B add up to 130 percent: Fund 70 percent, Blocked 60 percent."
    ]
    assert tree.along_chains("A", {BAD}) is None


def test_a_chain_of_ten_thousand_owners_ends():
    names = [BAD, *map(str, range(10_000))]
    tree = tree_of(*((owner, owned, 50) for owner, owned in pairwise(names)))
    last = names[-1]
    assert tree.reach({BAD}).share(last) == HALF
    assert tree.along_chains(last, {BAD}) < Decimal("1e-3000")
    assert tree.troubles(tree.above(last)) == []
    closed = tree_of(*((owner, owned, 50) for owner, owned in zip(names, names[1:] + names[:1], strict=True)))
    assert len(closed.circles(list(closed.names))) == 1


def test_owners_of_owners_and_members_by_name_are_one_tree():
    """A member that owns another, by its other name; a holder whose owners stand in the same list."""
    first = member(
        holders=[
            holder("Granite Holdings LLC", "0.6", key="h1"),
            holder("Viktor Example", "0.9", key="h2", owns="h1"),
            holder("BEACON, inc.", "0.4", key="h3"),
        ],
        legal_name="Orchard Inc",
    )
    second = member(
        "member-2",
        is_anchor=False,
        holders=[
            holder("Granite Holdings LLC", "0.2", key="h4"),
            holder("Viktor Example", "0.9", "h5", owns="h4"),
        ],
        legal_name="Beacon Compute Inc",
        aliases=("Beacon Inc",),
    )
    tree = Tree.of(complete_package(consortium=consortium(first, second)))
    orchard = tree.rows["member-1"]

    assert tree.sentences(tree.above(orchard)) == [
        "Granite Holdings LLC owns 60 percent of Orchard Inc.",
        "Beacon Compute Inc owns 40 percent of Orchard Inc.",
        "Viktor Example owns 90 percent of Granite Holdings LLC.",
        "Granite Holdings LLC owns 20 percent of Beacon Compute Inc.",
    ]
    assert tree.rows["h3"] == tree.rows["member-2"]
    assert tree.troubles(list(tree.names)) == []
    assert tree.along_chains(orchard, {tree.rows["h2"]}) == Decimal("0.612")


def test_two_lists_that_say_a_share_differently_are_told():
    lists = [("0.3", "0.3"), ("0.4", "0.6")]
    found = []
    for shares in lists:
        rows = [
            member(
                f"member-{n}",
                is_anchor=n == 0,
                legal_name=f"Member {n}",
                holders=[holder("Hub", "0.5", f"hub-{n}"), holder("Fund", share, f"f-{n}", owns=f"hub-{n}")],
            )
            for n, share in enumerate(shares)
        ]
        package = complete_package(consortium=consortium(*rows))
        found.append([flag.message for flag in flags(package) if flag.code == "holdings-do-not-fit"])
    assert found == [[], ["Fund is said to own 40 percent and 60 percent of Hub."]]


def test_a_legal_form_tells_two_companies_apart():
    assert name_key("Orchard, Inc.") == name_key("ORCHARD INC") != name_key("Orchard LLC")


def test_a_figure_never_reads_as_the_half_that_it_does_not_reach():
    assert (percent(Decimal("0.4999999")), percent(HALF)) == ("49.9999 percent", "50 percent")


def test_a_listed_owner_of_an_owner_stops_a_submission():
    """Half of an owner that has half; an owner of an owner alone does not count as an owner of the member."""
    hub = holder("Hub", "0.5", "hub")
    found = []
    for share in ("0.5", "0.4"):
        owners = [hub, holder("Fund", share, "fund", owns="hub", country=CN)]
        package = complete_package(consortium=consortium(member(holders=owners)))
        found.append("entity-owned" in {problem.code for problem in identifies_consortium(package, LISTED)})
    assert found == [True, False]


LINES = st.lists(st.tuples(st.integers(0, 8), st.integers(2, 8), st.integers(0, 1_000_000)), max_size=16)


def forest_of(lines):
    """Stakes without a circle, of each party 100 percent at most: who owns comes before what is owned."""
    left, stakes = dict.fromkeys(range(9), 1_000_000), {}
    for owner, owned, wanted in lines:
        if owner < owned:
            share = min(wanted, left[owned])
            left[owned] -= share
            stakes[owner, owned] = stakes.get((owner, owned), 0) + Fraction(share, 1_000_000)
    return [(*pair, share) for pair, share in stakes.items()]


@given(LINES)
def test_tree_agrees_with_matrices(lines):
    """Chains: the matrix of shares, applied until nothing changes. Half: likewise."""
    count, stakes = 9, forest_of(lines)
    matrix = [[Fraction(0)] * count for _ in range(count)]
    for owner, owned, share in stakes:
        matrix[owned][owner] += share
    blocked = {0, 1}
    weights = [Fraction(one in blocked) for one in range(count)]
    for _ in range(count):
        sums = [sum(matrix[one][other] * weights[other] for other in range(count)) for one in range(count)]
        weights = [Fraction(1) if one in blocked else sums[one] for one in range(count)]
    held = set(blocked)
    for _ in range(count):
        held |= {n for n in range(count) if sum(matrix[n][one] for one in held) >= Fraction(1, 2)}

    tree = tree_of(
        *((f"n{a}", f"n{b}", Decimal(share.numerator) / share.denominator * 100) for a, b, share in stakes)
    )
    reach = tree.reach({"n0", "n1"})

    for one in {owned for _, owned, _ in stakes}:
        assert Fraction(tree.along_chains(f"n{one}", {"n0", "n1"})) == weights[one]
        assert (f"n{one}" in reach.held) == (one in held)
        assert Fraction(reach.share(f"n{one}")) == sum(matrix[one][other] for other in held)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 130)), max_size=20))
def test_any_tree_ends_and_gives_a_figure_only_where_all_fits(stakes):
    tree = tree_of(*((f"n{a}", f"n{b}", share) for a, b, share in stakes))
    for node in list(tree.names):
        above = tree.above(node)
        troubles, figure = tree.troubles(above), tree.along_chains(node, {"n0"})
        assert (figure is None) == bool(troubles)
        assert figure is None or 0 <= figure <= 1
        circular = any(node in set(tree.above(stake.holder)) for stake in tree.owners.get(node, ()))
        assert not circular or any("circle" in words or "itself" in words for words in troubles)
