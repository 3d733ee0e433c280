from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from contextlib import ExitStack, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

from gateway.store.sealing import Seal, SealKey
from gateway.store.unit_of_work import Store
from tests.support.clocks import StoppedClock
from tests.support.records import record

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine


def start(liaison: CommandLine, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--config", str(liaison.config), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def stop(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=30)


def test_serve_says_where_it_accepts_and_ends_with_sigterm(liaison: CommandLine) -> None:
    process = start(liaison)
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert re.fullmatch(r"ready smtp=127\.0\.0\.1:[1-9]\d* metrics=127\.0\.0\.1:[1-9]\d*\n", ready)
    port = int(ready.split()[1].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert client.recv(100).startswith(b"220 mx.police.example")
    rest, _ = stop(process)
    assert (process.returncode, rest) == (0, "")


def test_a_start_that_makes_the_database_warns_of_it_and_no_other(new_liaison: CommandLine) -> None:
    for warned in (True, False):
        process = start(new_liaison)
        assert process.stdout is not None
        process.stdout.readline()
        _, err = stop(process)
        assert (f"database_made                  file={new_liaison.database}" in err) is warned, err
    assert "flagged.example" in new_liaison.ok("senders", "list")


def test_a_reload_that_is_asked_for_during_the_start_ends_nothing_and_is_made(liaison: CommandLine) -> None:
    process = start(liaison)
    assert process.stderr is not None
    assert process.stdout is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline().startswith("ready smtp=")
    while "configuration_reloaded" not in (line := process.stderr.readline()):
        assert line, first
    stop(process)
    assert process.returncode == 0


def test_a_start_without_the_key_of_what_is_stored_says_so(liaison: CommandLine) -> None:
    sealed = Seal((SealKey("key-that-was-lost", bytes(32)),))
    asyncio.run(_record_under(f"sqlite:///{liaison.database}", sealed))
    configuration = liaison.config.read_text()
    key = b64encode(bytes(32)).decode()
    for keys, missed in ((None, True), (f"other {key}", True), (f"other {key}\nkey-that-was-lost {key}", False)):
        if keys is not None:
            named = f'[store]\nkey_file = "{liaison.file("data.key", keys)}"'
            liaison.config.write_text(configuration.replace("[store]", named))
        process = start(liaison)
        assert process.stdout is not None
        process.stdout.readline()
        _, err = stop(process)
        assert ("data_key_missing               data_key=key-that-was-lost file=" in err) is missed, err


async def _record_under(url: str, seal: Seal) -> None:
    store = Store.open(url, seal, StoppedClock())
    async with store.begin() as work:
        await record(work)
    await store.close()


def test_addresses_in_its_log_can_not_be_tried_out_without_the_secret_of_the_store(liaison: CommandLine) -> None:
    process = start(liaison)
    assert process.stdout is not None
    port = int(process.stdout.readline().split()[1].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for line in (b"EHLO x\r\n", b"MAIL FROM:<a@town.example>\r\n", b"RSET\r\n"):
            client.recv(1000)
            client.sendall(line)
        client.recv(1000)
    _, err = stop(process)
    logged = re.search(r"mail_from=([0-9a-f]{16}) ", err)
    assert logged is not None, err
    assert logged[1] != blake2b(b"a@town.example", digest_size=8, person=b"log").hexdigest()


def test_a_dispatching_process_listens_for_monitoring_alone(liaison: CommandLine) -> None:
    process = start(liaison, "--role", "dispatch")
    assert process.stdout is not None
    assert re.fullmatch(r"ready metrics=127\.0\.0\.1:[1-9]\d*\n", process.stdout.readline())
    stop(process)
    assert process.returncode == 0


def test_without_an_address_for_it_monitoring_is_not_answered(liaison: CommandLine) -> None:
    liaison.config.write_text(
        liaison.config.read_text().replace('[metrics]\nlisten = "127.0.0.1:0"', '[metrics]\nlisten = ""')
    )
    process = start(liaison)
    assert process.stdout is not None
    assert re.fullmatch(r"ready smtp=127\.0\.0\.1:[1-9]\d*\n", process.stdout.readline())
    stop(process)
    assert process.returncode == 0


def test_a_second_gateway_on_the_machine_takes_mail_without_the_default_address_for_monitoring(
    liaison: CommandLine,
) -> None:
    liaison.config.write_text(liaison.config.read_text().replace('[metrics]\nlisten = "127.0.0.1:0"', ""))
    with ExitStack() as held:
        with suppress(OSError):  # somebody else has it already
            held.enter_context(socket.create_server(("127.0.0.1", 9025)))
        process = start(liaison)
        assert process.stdout is not None
        assert re.fullmatch(r"ready smtp=127\.0\.0\.1:[1-9]\d*\n", process.stdout.readline())
        _, err = stop(process)
    assert process.returncode == 0
    assert "monitoring_off" in err


@pytest.mark.parametrize(
    ("key", "free"),
    [("smtp.listen", 'listen = ["127.0.0.1:0"]'), ("metrics.listen", '[metrics]\nlisten = "127.0.0.1:0"')],
)
def test_a_taken_port_is_a_sentence_and_exit_2(liaison: CommandLine, key: str, free: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configuration = liaison.config.read_text()
        assert free in configuration
        liaison.config.write_text(configuration.replace(free, free.replace(":0", f":{port}")))
        process = start(liaison)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert f"{key}: 127.0.0.1:{port} can't be listened on" in err
    assert "Traceback" not in err


def test_an_address_of_another_machine_is_a_sentence_with_its_mend(liaison: CommandLine) -> None:
    written = liaison.config.read_text()
    liaison.config.write_text(written.replace('listen = ["127.0.0.1:0"]', 'listen = ["192.0.2.7:2525"]', 1))
    process = start(liaison)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "smtp.listen: 192.0.2.7:2525 can't be listened on: " in err
    assert "; name an address of this machine and a port that nobody has" in err


@pytest.mark.parametrize("role", ["everything", "ALL "])
def test_an_unknown_role_is_wrong_usage(liaison: CommandLine, role: str) -> None:
    assert liaison("serve", "--role", role).exit_code == 2


def test_the_library_of_monitoring_is_imported_by_nobody_who_does_not_answer_it() -> None:
    """SMTP workers start as `serve` does, and each would hold it in memory for nothing."""
    started = "import sys, gateway.cli, gateway.supervisor.service; print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", started], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
