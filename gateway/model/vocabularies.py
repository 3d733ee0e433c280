"""The closed vocabularies whose words sentences may contain, by name: so they can be stored, and translated."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.address_list import Form
from filters.disposition import Mode, Tier
from filters.lists import EntryKind
from gateway.model.case import ActionState, ContactKind
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.retention import RetentionClass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

VOCABULARIES: Mapping[str, type[StrEnum]] = MappingProxyType(
    {
        one.__name__: one
        for one in (ActionState, ContactKind, EntryKind, Form, Mode, OutboxState, Purpose, RetentionClass, Tier)
    }
)
