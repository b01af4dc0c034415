"""Exceptions as data and back: whatever they are, and whatever they do when they are looked at."""

import enum
import json

import pytest

from backedge.engine.errors import NodeRaisedError, StepError
from backedge.engine.execution import executor
from backedge.engine.failures import as_step_error, describe, rebuild
from backedge.engine.records import ErrorInfo


class Quota(Exception):
    """Like those of many SDKs: what it is made of is not what its args are."""

    def __init__(self, response: object, *, code: int) -> None:
        super().__init__(f"status {code}")
        self.code = code


class Strict(Exception):
    def __new__(cls, one, two):
        return super().__new__(cls, one, two)


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Worse(Rude):
    @property
    def args(self):
        raise RuntimeError("no")

    @property
    def __cause__(self):
        raise RuntimeError("no")


class Level(enum.Enum):
    HIGH = 1


def caught(error: BaseException) -> BaseException:
    """The error as one that was raised."""
    try:
        raise error
    except BaseException as raised:
        return raised


def there_and_back(error: BaseException, kind: type[BaseException] | None = None) -> BaseException:
    return rebuild(describe(caught(error)), kind or type(error), "a@0")


def test_an_error_is_described_by_class_text_arguments_and_traceback():
    info = describe(caught(ValueError("no", 5)))
    assert (info.type_name, info.message) == ("ValueError", "('no', 5)")
    assert json.loads(info.args) == ["no", 5]
    assert "in caught" in info.traceback
    assert info.traceback.endswith("ValueError: ('no', 5)\n")


def test_classes_are_named_with_their_module_unless_everybody_knows_it():
    assert describe(Quota("r", code=429)).type_name == f"{__name__}.Quota"

    class Inner(Exception):
        __module__ = "__main__"

    assert describe(Inner()).type_name.startswith("test_classes_are_named")


@pytest.mark.parametrize(
    ("error", "args"),
    [
        (ValueError("no"), ("no",)),
        (ValueError(), ()),
        (KeyError("x", 1, None), ("x", 1, None)),
        (RuntimeError({"a": [1.5, True]}), ({"a": [1.5, True]},)),
        (Quota("response", code=429), ("status 429",)),
        (OSError(2, "gone"), (2, "gone")),
        (RuntimeError(Level.HIGH, (1, 2)), (1, [1, 2])),  # as JSON has it
        (RuntimeError(float("inf")), (float("inf"),)),
    ],
)
def test_an_error_comes_back_as_the_class_that_its_edge_declares(error, args):
    back = there_and_back(error)
    assert isinstance(back, type(error))
    assert back.args == args


def test_an_error_comes_back_as_a_base_class_where_that_is_declared():
    back = there_and_back(KeyError("x"), LookupError)
    assert type(back) is LookupError
    assert back.args == ("x",)


def test_what_an_init_would_set_is_missing():
    back = there_and_back(Quota("r", code=429))
    assert str(back) == "status 429"
    assert not hasattr(back, "code")


@pytest.mark.parametrize("argument", [object(), {1: object()}, b"\xff", "\ud800"])
def test_arguments_that_json_cannot_hold_give_way_to_the_text(argument):
    info = describe(ValueError(argument))
    assert info.args is None
    assert rebuild(info, ValueError, "a@0").args == (info.message,)


class Told(Exception):
    def __str__(self) -> str:
        return f"{self.args[0]} lacks {self.args[1]}"


@pytest.mark.parametrize(
    ("error", "kind", "args", "text"),
    [
        (Told("a", 5), Exception, ("a lacks 5",), "a lacks 5"),
        (Told("a", 5), Told, ("a", 5), "a lacks 5"),
        (KeyError("x"), LookupError, ("x",), "x"),
        (UnicodeError("no", 5), ValueError, ("no", 5), "('no', 5)"),
        (ValueError((1, 2)), ValueError, ([1, 2],), "[1, 2]"),
    ],
)
def test_an_error_of_a_class_further_up_says_what_the_original_said(error, kind, args, text):
    back = there_and_back(error, kind)
    assert (type(back), back.args, str(back)) == (kind, args, text)


def test_a_class_that_cannot_be_made_again_gives_a_stand_in():
    back = there_and_back(ExceptionGroup("several", [ValueError("one")]))
    assert isinstance(back, NodeRaisedError)
    assert (back.activation, back.type_name) == ("a@0", "ExceptionGroup")
    assert "several" in back.message
    assert "ValueError: one" in back.traceback
    assert isinstance(rebuild(ErrorInfo("Strict", "x", "", b'["one"]'), Strict, "a"), NodeRaisedError)
    assert isinstance(rebuild(ErrorInfo("X", "x", "", b"no json"), ValueError, "a"), NodeRaisedError)


def test_an_error_that_cannot_tell_its_text_is_described_all_the_same():
    info = describe(caught(Rude()))
    assert info.message == "<its text cannot be told: RuntimeError>"
    assert "in caught" in info.traceback


def test_an_error_that_hides_everything_is_described_all_the_same():
    info = describe(caught(Worse()))
    assert info.args is None
    assert info.type_name.endswith("Worse")
    assert "in caught" in info.traceback


def test_what_cannot_be_stored_is_escaped():
    info = describe(caught(ValueError("bad \ud800 text")))
    assert info.message == "bad \\ud800 text"
    info.traceback.encode()


def test_a_traceback_leaves_the_engines_own_frames_out():
    def failing():
        raise ValueError("deep")

    with pytest.raises(ValueError) as raised:
        exec(compile("failing()", executor.__file__, "exec"), {"failing": failing})
    told = describe(raised.value).traceback
    assert "in failing" in told
    assert "executor.py" not in told


def test_an_error_of_the_engine_itself_keeps_its_frames():
    with pytest.raises(NameError) as raised:
        exec(compile("nothing", executor.__file__, "exec"), {})
    error = raised.value.with_traceback(raised.tb.tb_next)
    assert "executor.py" in describe(error).traceback


def test_a_traceback_tells_causes_and_members_of_groups():
    def chained():
        try:
            raise KeyError("root")
        except KeyError as error:
            raise ValueError("top") from error

    try:
        chained()
    except ValueError as error:
        told = describe(error).traceback
    assert told.index("KeyError: 'root'") < told.index("direct cause") < told.index("ValueError: top")
    group = describe(caught(ExceptionGroup("g", [caught(TypeError("member"))]))).traceback
    assert "TypeError: member" in group


def test_long_tracebacks_keep_their_end():
    told = describe(caught(ValueError("x" * 20_000))).traceback
    assert len(told) == 8000
    assert told.endswith("x\n")


def test_an_unhandled_error_is_reported_as_the_nodes():
    error = as_step_error(describe(caught(ValueError("no"))), "a@0")
    assert isinstance(error, StepError)
    assert str(error) == "a@0: ValueError: no"
    assert "in caught" in error.traceback
