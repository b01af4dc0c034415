"""Three reviewers vote on a plan, one of them a scripted model; the owner of security may veto, and is a person.

    .venv/bin/python examples/vote.py

The run waits for the person, as it would for days; here they answer at once. Then the plan is changed, and votes again.
"""

import tempfile
from pathlib import Path

from backedge import Context
from backedge.nodes.voting import Election, Opinion, Result, ballot_paper, person, poll
from backedge.providers import Message, ModelRequest, ScriptedModel
from backedge.providers.structured import respond_as

MODEL = ScriptedModel(
    [
        '{"approve": ["ship it"], "reason": "the tests pass"}',
        '{"approve": ["ship it"], "reason": "the tests still pass"}',
    ]
)


async def tester(election: Election, ctx: Context) -> Opinion:
    """A model, whose call is recorded."""
    request = ModelRequest(messages=(Message.of("user", ballot_paper(election)),))
    return (await respond_as(MODEL.for_activation(ctx), request, Opinion, mode="prompt")).value


async def counter(election: Election, ctx: Context) -> Opinion:
    """A function."""
    if len(election.options[0].text) > 60:
        return Opinion(reject=("ship it",), reason="the plan is too long")
    return Opinion(approve=("ship it",))


flow = poll({"tester": tester, "counter": counter, "security": person("security")}).compile()


def vote(plan: str, answer: dict[str, object], journal: Path) -> Result:
    """Put a plan to the vote."""
    election = Election(
        options={"ship it": plan},
        voters={"tester": 2, "counter": 1, "security": 1},
        vetoes=["security"],
        quorum=3,
        question="Do we ship it?",
    )
    waiting = flow.run_sync({"election": election}, journal=journal)
    print(f"{waiting.status.value}: {waiting.questions[0].activation} is asked")
    done = flow.resume_sync(waiting.run_id, journal=journal, answers={"security": answer})
    return done.state.result


PLANS: list[tuple[str, dict[str, object]]] = [
    ("release on Friday", {"veto": ["ship it"], "reason": "keys in the log"}),
    (
        "release on Monday, without keys in the log, and with all that was asked for",
        {"approve": ["ship it"]},
    ),
]

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "votes.db"
        for plan, answer in PLANS:
            result = vote(plan, answer, journal)
            print(f"{result.status}: {result.reason}")
            for one in result.dissent:
                print(f"  {one.voter} {one.stance}: {one.reason}")
