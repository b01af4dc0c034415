"""What users import, and what importing it loads."""

import inspect
import subprocess
import sys

import pytest

import backedge.providers
from backedge.providers import wrappers
from backedge.providers.recorded import Recordable

HEAVY = ["openai", "anthropic", "httpx2", "tenacity", "genai_prices", "sqlite3", "aiosqlite"]


@pytest.mark.parametrize("package", [backedge.providers, wrappers], ids=["providers", "wrappers"])
def test_every_public_name_is_there_and_none_twice(package):
    assert sorted(set(package.__all__)) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)


def test_a_wrapper_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"wrappers' has no attribute 'Nothing'"):
        _ = wrappers.Nothing


def test_every_wrapper_is_public_and_takes_all_but_what_it_wraps_by_name():
    found = {name for name in wrappers.__all__ if issubclass_of(getattr(wrappers, name), Recordable)}
    assert found == {
        "Audited",
        "Budgeted",
        "Cached",
        "CircuitBreaker",
        "Fallback",
        "Priced",
        "RateLimited",
        "Retrying",
        "Router",
    }
    for name in found:
        parameters = list(inspect.signature(getattr(wrappers, name)).parameters.values())
        assert parameters[0].name in ("model", "models")
        free = [one.name for one in parameters[1:] if one.kind is not inspect.Parameter.KEYWORD_ONLY]
        assert free == (["hook"] if name == "Audited" else [])


def issubclass_of(thing, kind):
    return isinstance(thing, type) and issubclass(thing, kind)


def test_the_model_function_is_no_module():
    import backedge.providers.protocol  # importing a module of that name would replace the function

    assert callable(backedge.providers.model)


def test_importing_loads_no_client_and_no_wrapper_that_is_not_used():
    code = (
        f"import sys; from backedge.providers import model; import backedge.providers.wrappers as w; w.Retrying; w.Priced;"
        f"print([name for name in {HEAVY} if name in sys.modules], 'backedge.providers.wrappers.cache' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
