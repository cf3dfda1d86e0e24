"""Which rules can ever take a command: what is said of the smallest commands is true of all."""

from itertools import chain, combinations, product

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rules.clinics import LAKESIDE

from gateway.rules.clinic import Route
from gateway.rules.reach import reached, taker
from schemas.command import CreateClaim, CreateTask

VALUES = {"type": ["a", "b"], "priority": ["low", "high"], "tags": ["x", "y"]}
TAGS = [list(some) for some in chain.from_iterable(combinations(VALUES["tags"], count) for count in range(3))]
COMMANDS = [
    {"type": type_, "priority": priority, "tags": tags}
    for type_, priority, tags in product([None, "c", *VALUES["type"]], [None, *VALUES["priority"]], TAGS)
]
"""Every task there is, as far as these fields can tell."""

whens = st.fixed_dictionaries(
    {}, optional={key: st.frozensets(st.sampled_from(each), min_size=1) for key, each in VALUES.items()}
)
rules = st.lists(st.tuples(st.sampled_from(["emr", "front-desk"]), whens), max_size=5)


def clinic(made):
    routes = tuple(Route(label=f"routes[{index}]", to=to, when=when) for index, (to, when) in enumerate(made))
    return structs.replace(LAKESIDE, routes=routes)


def labels(found):
    return {rule for rules in found.values() for rule in rules}


@given(rules)
def test_a_rule_is_reached_exactly_when_some_task_takes_it(made):
    chosen = [taker(clinic(made), CreateTask, command) for command in COMMANDS]

    assert labels(reached(clinic(made), CreateTask)) == {each.rule for each in chosen if each}


@given(rules)
def test_claims_take_the_first_rule_to_a_connection_that_has_them(made):
    first = [f"routes[{index}]" for index, (to, _) in enumerate(made) if to == "emr"][:1]

    assert labels(reached(clinic(made), CreateClaim)) == set(first)
