"""What a refused form on the page of a case had in it: the form is shown again, open, with every word."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.console.visit import Visit

_OURS = frozenset({"form_token", "expected", "trail", "hold"})
"""Fields that nobody types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """`form` is the verb, and behind it the number of the hold that was to be lifted; "" where nothing was refused."""

    form: str = ""
    why: str = ""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def text(self, form: str, name: str, otherwise: str = "") -> str:
        """What stands in a field."""
        return self.fields.get(name, (otherwise,))[0] if form == self.form else otherwise

    def is_marked(self, form: str, name: str, value: str, *, otherwise: bool) -> bool:
        """Whether a box has its mark."""
        return value in self.fields.get(name, ()) if form == self.form else otherwise

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it, for a form that has gone meanwhile."""
        return tuple(text for texts in self.fields.values() for text in texts if text.strip())


NOTHING_TYPED = Typed()


def typed_in(visit: Visit, verb: str, why: str) -> Typed:
    """The form of this visit, which was refused."""
    names = dict.fromkeys(name for name in visit.form if name not in _OURS)
    return Typed(
        form=f"{verb}-{visit.field('hold', 20)}" if visit.field("hold") else verb,
        why=why,
        fields=MappingProxyType({name: tuple(visit.fields(name)) for name in names}),
    )
