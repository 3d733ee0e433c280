"""What stands behind a relay that is measured: a mail server that takes everything, and a DNS that knows the missions.

    python -m bench.next_hop SMTP_PORT DNS_PORT [CERTIFICATE KEY]

Says `ready` on standard output. The mail server keeps nothing; with a certificate it offers STARTTLS.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import cast

import uvloop

from gateway.demonstration.nameserver import NameServer
from gateway.demonstration.stories import MAIL_SERVER

MISSIONS = 1000
"""Listed domains that have records in the DNS; the lists have more."""
_END = b"\r\n.\r\n"
_KEYWORDS = (b"PIPELINING", b"SIZE 104857600", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES")


class MailServer(asyncio.Protocol):
    """One connection: it answers each command, looks for the final dot, and keeps nothing."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._input = bytearray()
        self._in_data = False
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._input += data
        replies = bytearray()
        while self._in_data or b"\r\n" in self._input:
            if self._in_data and not self._take_content():
                break
            replies += b"250 2.0.0 taken\r\n" if self._in_data else self._answer()
            if self._in_data and not replies.endswith(b"354 go ahead\r\n"):
                self._in_data = False
        if replies and not self._transport.is_closing():
            self._transport.write(bytes(replies))

    def _take_content(self) -> bool:
        end = self._input.find(_END, max(0, self._searched - len(_END)))
        self._searched = len(self._input) if end < 0 else 0
        if end < 0:
            return False
        del self._input[: end + len(_END)]
        return True

    def _answer(self) -> bytes:
        line, _, rest = bytes(self._input).partition(b"\r\n")
        self._input = bytearray(rest)
        match line[:4].upper():
            case b"EHLO":
                keywords = [*_KEYWORDS, *([b"STARTTLS"] if self._tls else [])]
                lines = [b"sink.example", *keywords]
                return b"".join(b"250-%b\r\n" % one for one in lines[:-1]) + b"250 %b\r\n" % lines[-1]
            case b"DATA":
                self._in_data = True
                return b"354 go ahead\r\n"
            case b"STAR":
                self._transport.write(b"220 2.0.0 go ahead\r\n")
                asyncio.get_running_loop().create_task(self._secure())
                return b""
            case b"QUIT":
                self._transport.write(b"221 2.0.0 bye\r\n")
                self._transport.close()
                return b""
            case _:
                return b"250 2.0.0 ok\r\n"

    async def _secure(self) -> None:
        assert self._tls is not None  # noqa: S101 -- else STARTTLS is not offered
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(self._transport, self, self._tls, server_side=True)
        self._transport = cast("asyncio.Transport", secured)


class Missions(NameServer):
    """Listed domains that can be proven (SPF) and answered (MX); nobody else publishes anything."""

    def __init__(self) -> None:
        records: dict[tuple[str, str], tuple[str, ...]] = {}
        for number in range(MISSIONS):
            domain = f"mission{number:05d}.example"
            records[domain, "TXT"] = ('"v=spf1 ip4:127.0.0.1 -all"',)
            records[domain, "MX"] = (f"10 mx.{domain}.",)
            records[f"mx.{domain}", "A"] = (MAIL_SERVER,)
        super().__init__(records, ttl=3600)

    def _exists(self, name: str) -> bool:
        return (name, "A") in self.records or (name, "MX") in self.records


async def _serve(smtp_port: int, dns_port: int, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: MailServer(tls), "127.0.0.1", smtp_port, backlog=1024)
    names = Missions()
    names.port = dns_port
    await names.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1]), int(sys.argv[2]), context))


if __name__ == "__main__":
    main()
