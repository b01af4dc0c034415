"""A desk that hands a customer on: to billing for good, and to a lawyer whose answer comes back.

    .venv/bin/python examples/handoff.py

Scripted models answer, no key is needed. Who gave the work to whom is told at the end.
"""

from pydantic import BaseModel

from backedge.nodes.agents import Agent
from backedge.nodes.handoff import Handoff, Limits, last, swarm
from backedge.nodes.tools import tool
from backedge.providers import Message, ScriptedModel, ToolCall


class Ticket(BaseModel):
    """What billing is told: checked before it gets there."""

    order: int
    problem: str


@tool(permission="read")
async def invoice(order: int) -> str:
    """Look an invoice up."""
    return f"order {order}: 2 lamps at 30 euros, paid 60 euros on Monday"


def calls(name: str, arguments: str) -> Message:
    return Message.of("assistant", ToolCall(id=name, name=name, arguments=arguments))


lawyer = Agent(
    ScriptedModel(["Within 14 days they may send it back."]), instructions="You know the law.", name="lawyer"
)
billing = Agent(
    ScriptedModel(
        [
            calls("invoice", '{"order": 7}'),
            calls("transfer_to_lawyer", '{"reason": "May they send one of two lamps back?"}'),
            "You get 30 euros back for the second lamp; please return it within 14 days.",
        ]
    ),
    [invoice],
    "You see to money and invoices.",
    name="billing",
)
desk = Agent(
    ScriptedModel(
        [
            calls("transfer_to_billing", '{"details": {"order": "seven", "problem": "one lamp too many"}}'),
            calls("transfer_to_billing", '{"details": {"order": 7, "problem": "one lamp too many"}}'),
        ]
    ),
    instructions="You find out who can help.",
    name="desk",
)

graph = swarm(
    [desk, billing, lawyer],
    handoffs={
        desk: [Handoff(to=billing, when="Money and invoices.", input=Ticket, context=last(3))],
        billing: [Handoff(to=lawyer, returns=True)],
    },
    limits=Limits(handoffs=4, depth=2),
)

if __name__ == "__main__":
    state = graph.compile().run_sync({"question": "I was sent two lamps instead of one, order 7."}).state
    for one in state.trail:
        how = {"handoff": "gives the work to", "call": "asks", "return": "answers"}[one.kind]
        print(f"{one.source} {how} {one.target}: {' '.join(one.told.split())}")
    print(f"{state.active} answers the customer: {state.answer}")
