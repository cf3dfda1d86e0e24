"""Whose a thing is that bears our mark, once staff have copied marks about."""

from rules.records import record, sighting

from gateway.rules.marks import says_another, told_apart

ONE, OTHER = "Call Ms. Okafor back about her labs", "Send the referral letter to Dr. Ames"
MARKED = {
    "tsk_1": record("unknown", id="tsk_1", values={"description": ONE}),
    "tsk_2": record("unknown", id="tsk_2", values={"description": OTHER}),
}


def thing(number, *marks, text=ONE):
    """Something listed that bears these marks."""
    alone = marks[0] if len(marks) == 1 else None
    refs = marks if len(marks) > 1 else ()
    return sighting(ids={"id": f"t{number}"}, ref=alone, refs=refs, values={"description": text})


def marks(*listed, marked=MARKED):
    """Which mark is believed of each, or all that it bears if none is."""
    return [told.ref or told.refs for told in told_apart(listed, marked)]


def test_a_mark_alone_is_believed_whatever_the_thing_says():
    assert marks(thing(1, "tsk_1", text="Done."), thing(2, "tsk_2")) == ["tsk_1", "tsk_2"]
    assert marks(thing(1, "tsk_unheard_of")) == ["tsk_unheard_of"]


def test_of_several_marks_that_one_is_believed_whose_delivery_says_the_same():
    for both in (("tsk_1", "tsk_2"), ("tsk_2", "tsk_1"), ("tsk_unheard_of", "tsk_2")):
        assert marks(thing(1, *both, text=OTHER)) == ["tsk_2"]


def test_where_no_delivery_says_the_same_no_mark_is_believed():
    assert marks(thing(1, "tsk_1", "tsk_2", text="Edited")) == [("tsk_1", "tsk_2")]


def test_a_mark_on_two_things_is_that_of_the_one_that_says_the_same():
    assert marks(thing(1, "tsk_1"), thing(2, "tsk_1", text=OTHER)) == ["tsk_1", ("tsk_1",)]


def test_of_two_that_say_the_same_under_one_mark_neither_is_believed():
    assert marks(thing(1, "tsk_1"), thing(2, "tsk_1")) == [("tsk_1",), ("tsk_1",)]


def test_where_the_other_may_be_the_delivery_s_own_edited_neither_is_believed():
    assert marks(thing(1, "tsk_1", text=f"DONE {ONE}"), thing(2, "tsk_1")) == [("tsk_1",), ("tsk_1",)]


def test_a_second_one_under_the_mark_of_a_delivery_whose_own_is_known_is_told_as_its_second():
    known = {"tsk_1": record("delivered", id="tsk_1", vendor_id="t1", values={"description": ONE})}

    assert marks(thing(1, "tsk_1"), thing(2, "tsk_1"), marked=known) == [("tsk_1",), "tsk_1"]


def test_the_same_thing_listed_twice_has_one_mark():
    assert marks(thing(1, "tsk_1"), thing(1, "tsk_1")) == ["tsk_1", "tsk_1"]


def test_a_thing_that_says_what_another_delivery_says_and_not_its_mark_s_own_has_a_copied_mark():
    others = [*MARKED.values(), record("unknown", id="tsk_3", values={"description": "Refill request"})]

    def copied_over(text):
        return says_another(thing(1, "tsk_1", text=text), MARKED["tsk_1"], others)

    assert [copied_over(text) for text in (OTHER, "Refill request")] == [True, True]
    assert [copied_over(text) for text in (ONE, f"DONE {OTHER}", "Edited")] == [False, False, False]
    assert not says_another(sighting(ids={"id": "t1"}, ref="tsk_1"), MARKED["tsk_1"], others)
