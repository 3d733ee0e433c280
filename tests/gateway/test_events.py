"""The vocabulary of log events."""

from __future__ import annotations

import inspect
import re

from gateway import events
from gateway.events import Event


def test_an_event_is_named_like_its_member() -> None:
    assert all(event.value == event.name.lower() for event in Event)


def test_every_event_says_what_it_means() -> None:
    explained = re.findall(r'^    ([A-Z_]+) = "\w+"\n    """[A-Z]', inspect.getsource(events), re.MULTILINE)
    assert explained == [event.name for event in Event]
