"""What every store of answers does."""

from backedge.providers import Message, ModelResponse, ToolCall, Usage
from backedge.providers.wrappers.stores import Stored

ANSWER = ModelResponse(
    message=Message.of("assistant", "hé", ToolCall(id="1", name="add", arguments="{}", raw={"x": [1, None]})),
    usage=Usage(input_tokens=1, output_tokens=2),
    finish="tool_calls",
    model="m",
    by="b",
    id="i",
    raw={"any": ["thing", 1.5]},
    cost=0.25,
)


class StoreContract:
    """Subclasses give a fixture `store`."""

    async def test_what_was_put_can_be_had(self, store):
        await store.put("a", Stored(ANSWER, 17.5))
        await store.put("b", Stored(ANSWER))
        assert await store.get("a") == Stored(ANSWER, 17.5)
        assert await store.get("b") == Stored(ANSWER)

    async def test_what_was_not_put_is_not_there(self, store):
        assert await store.get("a") is None

    async def test_the_last_answer_counts(self, store):
        other = ANSWER.model_copy(update={"id": "other"})
        await store.put("a", Stored(ANSWER, 1.0))
        await store.put("a", Stored(other))
        assert await store.get("a") == Stored(other)

    async def test_closing_loses_nothing_and_ends_nothing(self, store):
        await store.put("a", Stored(ANSWER))
        await store.aclose()
        await store.aclose()
        assert await store.get("a") == Stored(ANSWER)
