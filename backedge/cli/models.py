"""``backedge models``: which models can be called from here, and does one answer?"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common
from .problems import CommandError, Exit

if TYPE_CHECKING:
    from backedge.providers import ModelResponse
    from backedge.providers.known import Provider


@click.group(invoke_without_command=True)
@common
@click.pass_context
def models(context: click.Context) -> None:
    """List the providers of models, and what each lacks to be called.

    Nothing is sent. A key is looked for in the environment; it is never shown.
    """
    if context.invoked_subcommand is None:
        _list(context.ensure_object(Told))


@models.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the provider may be silent.",
)
@common
@click.pass_obj
def test(told: Told, /, name: str, timeout: float) -> None:
    """Make one tiny call of the model NAME, such as openai:gpt-5, and say how it went.

    Exit codes: 0 it answered, 1 it did not, 2 there is no such name, or no key or client for it: nothing was sent.
    """
    from backedge.providers.errors import MissingKeyError, MissingPackageError, ModelError

    began = time.monotonic()
    try:
        response = asyncio.run(_called(name, timeout))
    except (MissingKeyError, MissingPackageError) as error:
        raise CommandError(str(error), kind=type(error).__name__) from None
    except ModelError as error:
        raise CommandError(
            f"{type(error).__name__}: {error}", Exit.FAILED, kind=type(error).__name__
        ) from None
    seconds = time.monotonic() - began
    cost = _cost(response, name)
    if told.json:
        from .console import json_line

        sys.stdout.write(json_line(_answer_json(name, response, seconds, cost)) + "\n")
    else:
        _print_answer(name, response, seconds, cost)


async def _called(name: str, patience: float) -> ModelResponse:
    from backedge.providers import CassetteError, Message, ModelRequest, ScriptError, model

    try:
        found = model(name, timeout=patience)
    except (ValueError, CassetteError) as error:
        raise CommandError(str(error)) from None
    request = ModelRequest(messages=(Message.of("user", "Answer with the word OK."),), max_tokens=64)
    async with found:
        try:
            return await found.respond(request)
        except (ScriptError, CassetteError) as error:
            raise CommandError(str(error), Exit.FAILED, kind=type(error).__name__) from None


def _cost(response: ModelResponse, name: str) -> float | None:
    from backedge.providers.errors import MissingPackageError
    from backedge.providers.wrappers.prices import PriceList

    try:
        return PriceList().of_response(response, name)
    except MissingPackageError:
        return None


def _answer_json(name: str, response: ModelResponse, seconds: float, cost: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "model": response.model,
        "seconds": seconds,
        "usage": response.usage.model_dump(),
        "cost": cost,
        "finish": response.finish,
        "text": response.text,
    }


def _print_answer(name: str, response: ModelResponse, seconds: float, cost: float | None) -> None:
    from .console import cut, printable, span

    usage = response.usage
    price = "price unknown" if cost is None else f"${cost:.6f}"
    who = f" ({response.model})" if response.model not in ("", name.partition(":")[2]) else ""
    line = (
        f"{name}{who} answered in {span(seconds)}: {usage.input_tokens} tokens in, {usage.output_tokens} out, {price}; "
        f"it said {cut(response.text, 40)!r}"
    )
    sys.stdout.write(f"{printable(line)}\n")


def _list(told: Told) -> None:
    from backedge.providers.known import PROVIDERS

    from .console import console_for, json_line, table

    found = [_state(one) for one in PROVIDERS.values()]
    if told.json:
        sys.stdout.write(json_line({"providers": found}) + "\n")
        return
    rows = [
        (
            one["name"],
            "yes" if one["usable"] else f"no: {one['lacks']}",
            f"in {one['key']}" if one["key"] else "none needed" if not one["needs_key"] else "none",
            one["package"] if one["installed"] else f"{one['package']} (not installed)",
            one["base_url"],
        )
        for one in found
    ]
    rows += [(f"{kind}:PATH", "yes", "none needed", "", "a file") for kind in ("scripted", "replay")]
    table(console_for(sys.stdout), ("model", "usable", "key", "client", "address"), rows)


def _state(provider: Provider) -> dict[str, Any]:
    """What a provider has and lacks, as JSON values. Of a key only the variable it stands in is told."""
    from backedge.providers.keys import variable_with_key
    from backedge.providers.known import shown_address

    variable = variable_with_key(provider.name)
    compatible = not provider.base_url
    lacks = ""
    if not provider.installed:
        lacks = f"pip install 'backedge[{provider.package}]'"
    elif provider.needs_key and variable is None:
        lacks = f"set {' or '.join(provider.variables)}"
    return {
        "name": f"{provider.name}:NAME@URL" if compatible else f"{provider.name}:NAME",
        "provider": provider.name,
        "usable": not lacks,
        "lacks": lacks or None,
        "key": variable,
        "needs_key": provider.needs_key,
        "package": provider.package,
        "installed": provider.installed,
        "base_url": "in the name" if compatible else shown_address(provider.address),
    }
