"""Who may have the floor, and what each member hears: decided by functions of the talk alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.agents.conversation import messages_of, turns_of
from backedge.nodes.chat.floor import Candidates, Rules, candidates, homeless, named, next_in_order, pending
from backedge.nodes.chat.views import as_heard, introduction, view
from backedge.providers import Code, Image, Message, Text, ToolResult

from .talks import call, results, said

RULES = Rules(("ann", "bob", "cy"), tools={"bob": frozenset({"x"}), "cy": frozenset({"x", "y"})})


def asked(*names, by="ann"):
    return said(by, *(call(name, ident=str(number)) for number, name in enumerate(names, 1)), turn=1)


@pytest.mark.parametrize(
    ("talk", "names"),
    [
        ([], ("ann", "bob", "cy")),
        ([asked("x")], ("bob", "cy")),
        ([asked("y")], ("cy",)),
        ([asked("x", by="bob")], ("cy",)),
        ([asked("x", "y"), said("bob", *results("1"), role="tool", turn=2)], ("cy",)),
        ([asked("x"), said("bob", *results("1"), role="tool", turn=2)], ("ann",)),
        ([asked("x"), said("admin", "stop", role="user")], ("ann", "bob", "cy")),
        ([asked("z")], ("ann", "bob", "cy")),
        (
            [asked("x", by="admin"), said("bob", *results("1"), role="tool", turn=1)],
            ("ann", "bob", "cy"),
        ),
        ([said("ann", "over", handoff="bob", turn=1)], ("bob",)),
        ([said("ann", "over", handoff="nobody", turn=1)], ("ann", "bob", "cy")),
        (
            [said("ann", "over", handoff="bob", turn=1), said("admin", "no", role="user")],
            ("ann", "bob", "cy"),
        ),
    ],
)
def test_candidates_are_those_who_can_answer(talk, names):
    assert candidates(RULES, talk).names == names


def test_whoever_is_settled_is_not_chosen_and_one_who_is_merely_left_is():
    assert candidates(RULES, [asked("y")]).settled
    assert not candidates(RULES, [asked("x")]).settled
    assert not Candidates(("ann",)).settled


def test_those_who_only_carry_out_calls_have_the_floor_for_nothing_else():
    rules = Rules(("ann", "bob"), silent=frozenset({"bob"}), tools={"bob": frozenset({"x"})})
    assert candidates(rules, []).names == ("ann",)
    assert candidates(rules, [asked("x")]).names == ("bob",)


def test_calls_that_nobody_else_could_carry_out_are_homeless():
    assert [one.name for one in homeless(RULES, [asked("x", "z", "y")])] == ["z"]
    assert [one.name for one in homeless(RULES, [asked("x", "y", by="cy")])] == ["y"]
    assert homeless(RULES, [said("ann", "x")]) == ()


def test_equal_ids_of_calls_are_told_apart_by_their_number():
    twice = said("ann", call("x", ident="i"), call("y", ident="i"), turn=1)
    one = said("bob", ToolResult(id="i", content="1"), role="tool", turn=2)
    assert [left.name for left in pending([twice, one]).calls] == ["y"]
    assert pending([twice, one, one]).calls == ()


@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=6), st.data())
def test_calls_are_pending_until_each_has_its_result(wanted, data):
    answered = data.draw(st.sets(st.integers(1, len(wanted))))
    talk = [asked(*wanted)]
    talk += [said("bob", ToolResult(id=str(one), content="r"), role="tool") for one in answered]
    left = [int(one.id) for one in pending(talk).calls]
    assert left == [number for number in range(1, len(wanted) + 1) if number not in answered]


@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.sampled_from(["", *"abcdefg"]))
def test_the_next_in_order_is_the_first_behind_the_last_speaker(names, last):
    rules = Rules(tuple("abcdef"))
    found = next_in_order(rules, sorted(names), last)
    behind = [one for one in "abcdef" if one > last] if last in "abcdef" else list("abcdef")
    assert found == next((one for one in behind if one in names), min(names))


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("coder", "coder"),
        (" **Critic**. ", "critic"),
        ("critic:", "critic"),
        ("The coder_2 should", "coder_2"),
        ("coder, then critic", None),
        ("", None),
        ("encoder", None),
        ("CRITIC, please", "critic"),
        ("not the Coder but Critic", None),
    ],
)
def test_an_answer_names_one_member_or_none(answer, name):
    assert named(answer, ("coder", "critic", "coder_2")) == name


def test_names_that_differ_in_case_alone_are_told_apart_where_they_are_written_so():
    assert named("I say Ann.", ("ann", "Ann")) == "Ann"
    assert named("ANN", ("ann", "Ann")) is None


# ---------------------------------------------------------------------- views

TALKS = st.lists(
    st.one_of(
        st.builds(
            lambda who, text: said(who, text, turn=1),
            st.sampled_from(["ann", "bob", "cy"]),
            st.sampled_from(["", "x", "y z"]),
        ),
        st.builds(
            lambda who, ident: said(who, "see", call("x", ident=ident), turn=1),
            st.sampled_from(["ann", "bob"]),
            st.sampled_from("12"),
        ),
        st.builds(
            lambda ident: said("cy", ToolResult(id=ident, content="r"), role="tool", turn=1),
            st.sampled_from("12"),
        ),
        st.just(said("admin", "word", role="user")),
        st.just(
            said(
                "ann",
                "final",
                own=(
                    Message.of("assistant", call("own")),
                    Message.of("tool", *results("r")),
                    Message.of("assistant", "final"),
                ),
                turn=1,
            )
        ),
        st.just(
            said(
                "ann",
                "masked",
                own=(Message.of("user", "***"), Message.of("assistant", "masked")),
                instead=True,
                turn=1,
            )
        ),
    ),
    max_size=12,
)


@given(TALKS, st.sampled_from(["ann", "bob", "cy"]), st.integers(0, 12))
def test_a_view_goes_on_where_it_was_except_for_what_a_guard_replaced(talk, name, cut):
    before, after = view(talk[:cut], name), view(talk, name)
    kept = len(before) - (1 if len(talk) > cut and talk[cut].instead and talk[cut].speaker == name else 0)
    assert after[: max(kept, 0)] == before[: max(kept, 0)]
    assert len(after) >= len(before)


@given(TALKS, st.sampled_from(["ann", "bob", "cy"]))
def test_whatever_was_said_a_model_can_be_shown_it(talk, name):
    for turn in turns_of(messages_of(view(talk, name))):
        first, *rest = turn.messages
        assert [part.id for part in first.tool_calls] == [
            part.id for message in rest for part in message.parts
        ]
    words = [entry.text for entry in messages_of(view(talk, name)) if entry.role == "user"]
    assert all(
        text == "***" or text.split(":")[0] in {"ann", "bob", "cy", "admin"} - {name} for text in words
    )


def test_what_is_heard_of_code_and_results_is_words_of_bounded_length():
    heard = as_heard(said("ann", "see", Code(language="python", text="x = 1"), call("run", "y" * 10_000)))
    assert heard.text.startswith("ann: see\n```python\nx = 1\n```\n[calls run with yyy")
    assert len(heard.text) < 5000
    failed = as_heard(said("user", ToolResult(id="1", content="no", failed=True), role="tool"))
    assert failed.text == "user: [result failed: no]"
    assert as_heard(said("ann")) is None
    assert as_heard(said("ann", "  ")) is None
    assert as_heard(said("ann", handoff="bob")).text == "ann: [hands over to bob]"


def test_pictures_among_the_results_of_a_call_are_shown_to_others():
    picture = Image(media_type="image/png", url="https://example.org/x.png")
    result = ToolResult(id="1", content=(Text(text="a plot"), picture))
    heard = as_heard(said("user", result, role="tool"))
    assert (heard.text, heard.parts[1:]) == ("user: [result: a plot]", (picture,))


def test_an_introduction_names_the_others():
    assert introduction("ann", {"bob": "Reads.\nA lot.", "cy": ""}).splitlines()[1:3] == [
        "- bob: Reads. A lot.",
        "- cy",
    ]
