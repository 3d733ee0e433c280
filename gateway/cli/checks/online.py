"""What `check --online` asks others, in order, and what it says on a terminal while it waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.cli.checks.clients import look_at_clients
from gateway.cli.checks.hops import ask_next_hops, ask_outbound, look_at_emergency
from gateway.cli.checks.machine import look_at_machine
from gateway.cli.checks.names import ask_listed_domains, ask_name_servers, ask_own_names
from gateway.cli.checks.relaying import ask_for_strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from gateway.cli.checks.line import Line
    from gateway.settings import Settings

ONLINE: Sequence[tuple[str, Callable[[Settings], Coroutine[Any, Any, list[Line]]]]] = (
    ("Looking at clock and disks", look_at_machine),
    ("Asking the next hops", ask_next_hops),
    ("Looking at emergency recipients", look_at_emergency),
    ("Trying the way out", ask_outbound),
    ("Asking the gateway to relay for strangers", ask_for_strangers),
    ("Reading the latest cases", look_at_clients),
    ("Asking the name servers", ask_name_servers),
    ("Asking the DNS about our own names", ask_own_names),
    ("Asking the DNS about listed domains", ask_listed_domains),
)
