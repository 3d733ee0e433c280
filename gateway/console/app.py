"""The application: every page of the console, behind its door."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from gateway.console.doors import Trouble, form_of, stranger, written_here
from gateway.console.navigation import N_
from gateway.console.pages import (
    account,
    audit,
    case,
    case_list,
    case_verbs,
    contacts,
    exemptions,
    home,
    mode,
    outbox,
    people,
    provider,
    sender_changes,
    sender_list,
    sign_in,
    statistics,
    status,
)
from gateway.console.safety import Safety
from gateway.counters import FAULTS, STORE_FAILURES, count
from gateway.errors import SealError, StoreError
from gateway.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.console.office import Office

STATIC = Path(__file__).parent / "static"

ROOMS = (
    *(home, sign_in, provider, account, case_list, contacts, case, case_verbs, sender_list, sender_changes, exemptions),
    *(outbox, statistics, status, mode, audit, people),
)
"""In the order in which an address is looked for."""

log = structlog.get_logger()

_STORE_AWAY = Trouble(
    N_("The database can't be reached"),
    N_("Nothing was changed. Mail from nobody on the lists passes all the same. Try again in a minute."),
)
_SEALED = Trouble(
    N_("The message can't be opened"),
    N_("Nothing was changed. Its key is missing from the key file, or what is stored was changed: the log says which."),
)
_FAULT = Trouble(
    N_("Something went wrong here"),
    N_("It was not your doing, and it is in the log. What you asked for may not be done: look before you ask again."),
)


def create_app(office: Callable[[], Office]) -> Starlette:
    """The console. `office` gives what is in force now: it changes when the configuration is read again."""
    app = Starlette(
        routes=[
            *chain.from_iterable(one.ROUTES for one in ROOMS),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Safety)],
        exception_handlers={
            HTTPException: _not_there,
            StoreError: _store_away,
            SealError: _sealed,
            Exception: _fault,
        },
    )
    app.state.office = office
    return app


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    title = N_("There is no such page") if status == 404 else N_("That is not how this page is used")
    trouble = Trouble(title, N_("The menu and the first page lead to everything that there is."))
    return await (await stranger(request)).show("trouble.html", trouble, status=status)


async def _store_away(request: Request, error: Exception) -> Response:
    count(STORE_FAILURES)
    log.error(Event.STORE_FAILED, doing=f"showing {request.url.path}", reason=str(error))
    visit = await stranger(request, await form_of(request))
    return await visit.show("trouble.html", replace(_STORE_AWAY, written=written_here(visit)), status=503)


async def _sealed(request: Request, error: Exception) -> Response:
    log.error(Event.STORE_FAILED, doing=f"showing {request.url.path}", reason=str(error))
    return await (await stranger(request)).show("trouble.html", _SEALED, status=503)


async def _fault(request: Request, error: Exception) -> Response:
    count(FAULTS)
    log.error(Event.FAULT, doing=f"{request.method} {request.url.path}", exc_info=error)
    return await (await stranger(request)).show("trouble.html", _FAULT, status=500)
