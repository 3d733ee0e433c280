"""The open-relay self-test: the running gateway is asked to take mail for strangers, in each form that relays fell for.

Nothing is sent: each form is asked at RCPT, and the session ends there (RFC 5321 §7.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import tokens
from gateway.cli.checks.line import Line, problem, warning, well
from gateway.relay.connection import NextHopError
from gateway.relay.opening import open_connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.model.reply import Reply
    from gateway.relay.connection import Connection
    from gateway.settings import Endpoint, Settings

NAME = "open relay"
FOREIGN = "elsewhere.invalid"
"""Nobody is there, and nobody ever will be (RFC 2606 §2)."""
WITHIN = 10.0
_MEND = "close the port, and report it: the gateway refuses these forms by itself, whatever the next hop says"


async def ask_for_strangers(settings: Settings) -> list[Line]:
    """Every listener whose port is known."""
    listeners = [one.from_here for one in settings.smtp.listen if one.port]
    if not listeners:
        return [warning(NAME, "not tested: the port is another at each start", "give smtp.listen a port")]
    return [line for listener in listeners for line in await _try(listener, settings)]


async def _try(listener: Endpoint, settings: Settings) -> list[Line]:
    try:
        connection = await open_connection(listener, hostname=settings.smtp.hostname, tls="none", timeout=WITHIN)
    except NextHopError as error:
        mend = "run this again while the gateway serves; behind a proxy that it insists on, test from outside"
        return [warning(NAME, f"not tested: {error}", mend)]
    try:
        return await _ask(connection, listener, settings)
    except NextHopError as error:
        return [warning(NAME, f"not tested to the end: {error}", "run this again")]
    finally:
        await connection.leave()


async def _ask(connection: Connection, listener: Endpoint, settings: Settings) -> list[Line]:
    if settings.smtp.hostname not in connection.greeting:
        text = f"who answers on {listener} is not this gateway, but: {connection.greeting}"
        return [problem(NAME, text, "stop the other server, or give smtp.listen another port")]
    if not (begun := await connection.command(b"MAIL FROM:<>")).positive:
        return [warning(NAME, f"not tested: {listener} answers {begun} to MAIL", "look into the gateway's log")]
    served = settings.route[0].domains[0]
    answers = {form: await connection.command(f"RCPT TO:<{form}>".encode()) for form in forms(served)}
    await connection.command(b"RSET")
    return _judged(listener, answers)


def forms(served: str) -> Sequence[str]:
    """Paths that lead away: plain, source route, percent hack, bang path, quoted, and names that only look served."""
    user = f"liaison-check-{tokens.trace_id()}"
    return (
        f"{user}@{FOREIGN}",
        f"{user}@{FOREIGN.upper()}",
        f"@{served}:{user}@{FOREIGN}",
        f"{user}%{FOREIGN}@{served}",
        f"{FOREIGN}!{user}@{served}",
        f'"{user}@{FOREIGN}"@{served}',
        f'"{user}@{FOREIGN}"',
        f"{user}@{served}.{FOREIGN}",
        f"{user}@below.{served}",
        f"{user}@[192.0.2.1]",
    )


def _judged(listener: Endpoint, answers: dict[str, Reply]) -> list[Line]:
    lines = [
        problem(NAME, f"{listener} takes RCPT TO:<{form}> ({reply})", _MEND)
        for form, reply in answers.items()
        if reply.positive
    ]
    if unclear := [f"<{form}> ({reply})" for form, reply in answers.items() if reply.transient]:
        text = f"{listener} neither takes nor refuses {', '.join(unclear)}"
        lines.append(warning(NAME, text, "look into the gateway's log, and run this again"))
    return lines or [well(NAME, f"{listener} refuses all {len(answers)} forms of mail for strangers")]
