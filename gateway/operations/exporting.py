"""One case as an archive that proves itself: the original, what was sent, the audit rows, and a list of digests.

`sha256sum -c SHA256SUMS` checks it on any machine. Attachments are inside the original, unopened.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.operations.case_turns import find

if TYPE_CHECKING:
    from gateway.model.audit import AuditEntry
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporting:
    """The verb."""

    store: Store

    async def archive(self, reference: str, *, actor: str) -> bytes:
        """A ZIP file. That it was taken is written down first, and is in it."""
        async with self.store.begin() as work:
            await find(work, reference)
            await work.audit.append(actor, "case-exported", reference, {})
        async with self.store.reading() as work:
            case = await find(work, reference)
            name = "original.eml" if case.kind.is_mail else "contact.json"
            files = {name: await work.messages.get(case)}
            for item in await work.outbox.list(case_id=case.stored_id):
                post = await work.outbox.frozen(item.id)
                if post is not None:
                    files[f"sent/{item.purpose}-{item.id}.eml"] = post.content
            files["audit.jsonl"] = _lines(await work.audit.entries(subject=reference))
        return await asyncio.to_thread(_zipped, files)


def _lines(entries: list[AuditEntry]) -> bytes:
    rows = (
        {
            "seq": one.seq,
            "at": one.at.isoformat(),
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "detail": dict(one.detail),
            "previous": one.previous,
            "hash": one.hash,
        }
        for one in entries
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
            archive.writestr(name, content)
    return out.getvalue()
