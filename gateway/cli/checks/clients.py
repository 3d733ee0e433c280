"""Whether the client address that we see is the sender's: without it SPF says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.checks.line import Line, warning, well
from gateway.clock import SystemClock
from gateway.errors import StoreError
from gateway.foundation import open_store
from gateway.model.networks import is_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Settings

NAME = "client"
LATELY = 200
"""Cases that are looked at."""
ENOUGH = 10
"""Cases from one address alone that make it likely to be a relay of your own, or a filter."""
_QUESTION = "is the client address that the gateway sees the sender's?"
_MEND = (
    "let what stands in front say who the client is: PROXY (smtp.proxy_protocol_from), XCLIENT or XFORWARD "
    "(smtp.xclient_from), or name the filter that authenticates senders (smtp.trusted_authserv_id)"
)


async def look_at_clients(settings: Settings) -> list[Line]:
    """From the cases on record, and from what the configuration says about who is in front."""
    return [judged(await _recent(settings), settings)]


async def _recent(settings: Settings) -> list[str]:
    store = open_store(settings, SystemClock())
    try:
        if store.is_missing or not (await store.schema_state()).up_to_date:
            return []
        async with store.reading() as work:
            return await work.case_files.recent_clients(LATELY)
    except StoreError:
        return []  # the line about the database says it
    finally:
        await store.close()


def judged(clients: Sequence[str], settings: Settings) -> Line:
    """The answer in words: yes, no, or not known yet."""
    smtp = settings.smtp
    outside = [one for one in clients if one and not is_within(one, smtp.internal_networks)]
    if smtp.trusted_authserv_id:
        text = f"{_QUESTION} It need not be: {smtp.trusted_authserv_id} is believed about senders"
        return well(NAME, text)
    if not clients:
        told = smtp.proxy_protocol_from or smtp.xclient_from
        how = "; PROXY or XCLIENT is to tell it" if told else ""
        return well(NAME, f"{_QUESTION} Not known yet: no case is on record{how}")
    if not outside:
        text = f"{_QUESTION} No: the last {len(clients)} cases all came from internal networks, so SPF says nothing"
        return warning(NAME, text, _MEND)
    if len(outside) >= ENOUGH and len(set(outside)) == 1:
        text = f"{_QUESTION} Probably no: the last {len(outside)} cases from outside all came from {outside[0]}"
        return warning(NAME, text, _MEND)
    inside = len(clients) - len(outside)
    some = f"; {inside} more came from internal networks, where SPF says nothing" if inside else ""
    return well(NAME, f"{_QUESTION} Yes, in {len(outside)} of the last {len(clients)} cases{some}")
