"""`allometry serve`: a policy behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.options import Json
from allometry.cli.output import print_json, print_lines
from allometry.cli.sweeping.options import AllowCode, DraftEngine, Judge, open_engines
from allometry.inference.gateway import Gateway, Settings, read_keys, run_gateway
from allometry.inference.policies import Policy
from allometry.notices import Refused


def serve(
    policy: Annotated[Path, typer.Argument(help="File that decide policy wrote.")],
    engine: Annotated[str, typer.Option(help="The engine that the policy was measured on: embedded, openai:URL#MODEL or simulator:FILE.")],
    host: Annotated[str, typer.Option(help="Address to listen at; one that others reach needs --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 for a free one.", min=0, max=65535)] = 8100,
    name: Annotated[str | None, typer.Option(help="What clients call the model; by default the name of the file.")] = None,
    keys: Annotated[Path | None, typer.Option(help="TOML file of keys by their SHA-256, with limits of each.")] = None,
    form: Annotated[str, typer.Option(help="chat, or text for a policy that was measured on plain prompts.")] = "chat",
    shadow: Annotated[float, typer.Option(help="Share of the requests that the baseline answers as well.", min=0, max=1)] = 0.0,
    most: Annotated[int, typer.Option(help="Answers under way at a time.", min=1)] = Settings("-").most,
    largest: Annotated[int, typer.Option(help="Bytes of the largest body.", min=1)] = Settings("-").largest,
    other_engine: Annotated[bool, typer.Option("--other-engine", help="Serve on an engine that the policy was not measured on; nothing is promised then.")] = False,
    judge: Judge = None, draft: DraftEngine = None, allow_code: AllowCode = False, json: Json = False,
) -> None:  # fmt: skip
    """Answer requests of OpenAI clients by a policy, and hold what it promised against them at /v1/policy.

    Stops at an interrupt or SIGTERM: answers under way may end, new requests are refused.
    """
    if form not in ("chat", "text"):
        raise Refused("bad-form", f"{form!r} is no form of prompts", "--form", "give chat or text")
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr, level=logging.WARNING)
    settings = Settings(name or policy.stem, "text" if form == "text" else "chat", shadow, most, largest, other_engine)
    loaded, holders = Policy.load(policy, allow_code=allow_code), read_keys(keys)
    [engines] = open_engines([engine], judge, draft)
    told = {
        "model": settings.model,
        "engine": engines["main"].profile.identity,
        "keys": len(holders),
        "pid": os.getpid(),
    }

    def ready(url: str, stop: Callable[[], None]) -> None:
        if json:
            print_json({"url": url, **told})
        else:
            print_lines(f"{settings.model} at {url}, on {told['engine']}; stop it with Ctrl-C")
        sys.stdout.flush()

    run_gateway(Gateway(loaded, engines, settings, holders), host, port, ready)
