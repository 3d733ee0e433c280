"""Cases as an archive that proves itself: originals as received, what was sent, decisions, history, a list of digests.

`verify.py`, which is in it, checks it on any machine that has Python, and so does `sha256sum -c SHA256SUMS`.
Attachments are inside the originals, unopened. Names in the archive are made of references and ids, never of what a
message says.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.export_index import Exported, Heading, facts, index_csv, index_html, record_text
from gateway.model.retention import keeping
from gateway.model.tracking import untracked
from gateway.operations.case_turns import find, unknown
from gateway.placing import directory_beside, put_in_place, refuse_to_replace
from gateway.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.model.audit import AuditEntry
    from gateway.model.case_list import CaseFilter
    from gateway.model.retention import Schedule
    from gateway.model.tracking import Track
    from gateway.store.unit_of_work import Store, Work

LIST = "SHA256SUMS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
MOST = 1_000_000
README = """{title}

verify.py         python3 verify.py: all files as they were when the export was made? / Les fichiers sont-ils intacts?
SHA256SUMS        SHA-256 of every file; its own digest is in the agency's audit log. / Empreinte de chaque fichier.
index.html        the cases, as a page / les dossiers, en page
index.csv         the same for a spreadsheet / les mêmes, pour un tableur
cases/REFERENCE/  original.eml: the message exactly as it was received (contact.json: a contact written down by hand);
                  record.txt: what is on record; audit.jsonl: its rows of the audit log; sent/: mail about it
                  original.eml : le message tel que reçu (contact.json : un contact consigné à la main);
                  record.txt : ce qui est consigné; audit.jsonl : le journal de vérification; sent/ : les envois

Nothing was left out or blacked out. The originals may hold what harms a computer: attachments were never opened.
Rien n'a été omis ni caviardé. Les originaux peuvent contenir ce qui nuit à un ordinateur : rien n'a été ouvert.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An export that was made. `list_digest` is SHA-256 of its list of digests, as the audit log has it."""

    id: str
    cases: int
    files: int
    list_digest: str


@dataclass(slots=True)
class _Packing:
    """A ZIP that is being written, and the digest of each file in it."""

    archive: zipfile.ZipFile
    at: datetime
    sums: dict[str, str] = field(default_factory=dict)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Blocks: it compresses."""
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, self.at.timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            self.archive.writestr(entry, content)
            self.sums[name] = hashlib.sha256(content).hexdigest()

    def list(self) -> bytes:
        """As `sha256sum` writes it."""
        return "".join(f"{digest}  {name}\n" for name, digest in self.sums.items()).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporting:
    """The verbs."""

    store: Store
    clock: Clock
    schedule: Schedule
    agency_en: str
    agency_fr: str

    async def chosen(self, references: Sequence[str], wanted: CaseFilter) -> list[str]:
        """These cases, or those of the filter where none is named; RefusedError for one that is not there."""
        async with self.store.reading() as work:
            if not references:
                return await work.case_list.references(wanted, MOST)
            for reference in references:
                if await work.cases.by_reference(reference) is None:
                    raise unknown(reference)
        return list(dict.fromkeys(references))

    async def to_file(self, references: Sequence[str], file: Path, *, actor: str, track: Track = untracked) -> Archive:
        """A new ZIP file, never in place of one that is there."""
        refuse_to_replace(file)
        with directory_beside(file) as directory:
            new = directory / "new"
            with new.open("w+b") as out:
                made = await self.write(references, out, actor=actor, track=track)
            await asyncio.to_thread(put_in_place, new, file)
        return made

    async def archive(self, reference: str, *, actor: str) -> bytes:
        """One case, in memory."""
        out = io.BytesIO()
        await self.write([reference], out, actor=actor)
        return out.getvalue()

    async def write(
        self, references: Sequence[str], out: IO[bytes], *, actor: str, track: Track = untracked
    ) -> Archive:
        """The archive, case by case. That a case was taken is written down before it is read, and is in it."""
        if not references:
            raise RefusedError("There is no case to export")
        export_id = f"E{tokens.item_id()}"
        with zipfile.ZipFile(out, "w") as archive:
            packing = _Packing(archive, self.clock.now())
            lines: list[list[tuple[Heading, str]]] = []
            for reference in track(references, "Exporting"):
                one, files = await self._case(reference, export_id, actor)
                lines.append(list(facts(one)))
                await asyncio.to_thread(packing.add, files)
            await asyncio.to_thread(packing.add, self._about(lines, packing.at))
            listed = packing.list()
            await asyncio.to_thread(packing.add, {LIST: listed})
        made = Archive(
            id=export_id, cases=len(lines), files=len(packing.sums), list_digest=hashlib.sha256(listed).hexdigest()
        )
        async with self.store.begin() as work:
            said = {"sha256": made.list_digest, "cases": str(made.cases), "files": str(made.files)}
            await work.audit.append(actor, "export-made", export_id, said)
        return made

    async def _case(self, reference: str, export_id: str, actor: str) -> tuple[Exported, dict[str, bytes]]:
        async with self.store.begin() as work:
            await find(work, reference)
            await work.audit.append(actor, "case-exported", reference, {"export": export_id})
        async with self.store.reading() as work:
            one = await self._exported(work, reference)
            files = {one.original: await work.messages.get(one.file.case)}
            for item in one.items:
                post = await work.outbox.frozen(item.id)
                if post is not None:
                    files[f"sent/{item.purpose}-{_safe(item.id)}.eml"] = post.content
        files["record.txt"] = record_text(one).encode()
        files["audit.jsonl"] = _lines(one.history)
        return one, {f"{one.folder}/{name}": content for name, content in files.items()}

    async def _exported(self, work: Work, reference: str) -> Exported:
        file = await work.case_files.of(reference)
        if file is None:
            raise unknown(reference)
        return Exported(
            file=file,
            keeping=keeping(file, self.schedule),
            items=await work.outbox.list(case_id=file.case.stored_id),
            history=await work.audit.entries(subject=reference),
            folder=f"cases/{_safe(reference)}",
            original="original.eml" if file.case.kind.is_mail else "contact.json",
            forwards=await work.forwards.of(file.case.stored_id),
            amendments=await work.answers.amendments(file.case.stored_id),
            answers=await work.answers.of(file.case.stored_id),
        )

    def _about(self, lines: list[list[tuple[Heading, str]]], at: datetime) -> dict[str, bytes]:
        agency = Heading(self.agency_en, self.agency_fr)
        return {
            "index.csv": index_csv(lines).encode(),
            "index.html": index_html(lines, agency=agency, made_at=at).encode(),
            "README.txt": README.format(title=agency).encode(),
            "verify.py": (shipped("templates") / "export" / "verify.py").read_bytes(),
        }


def _safe(name: str) -> str:
    """References and ids are ours, and made of letters, digits and hyphens; whatever is not gets a name of its own."""
    return name if _NAME.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _lines(entries: Sequence[AuditEntry]) -> bytes:
    return "".join(json.dumps(one.row(), ensure_ascii=False) + "\n" for one in entries).encode()
