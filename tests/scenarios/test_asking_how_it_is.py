"""`liaison health`: what a container's check is told of a gateway that runs, of one that is unready, and of none."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.gateway import Running


async def health(gateway: Running, *arguments: str, listen: str | None = None) -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr; the port, which the system chose here, comes by the environment."""
    place = f"127.0.0.1:{gateway.metrics}" if listen is None else listen
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--config", str(gateway.settings.file), "health", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"LIAISON_METRICS__LISTEN": f'"{place}"'},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode().strip(), err.decode().strip()


@pytest.mark.parametrize(("arguments", "answer"), [((), "alive"), (("--ready",), "ready")])
async def test_a_gateway_that_is_well_answers(gateway: Running, arguments: tuple[str, ...], answer: str) -> None:
    assert await health(gateway, *arguments) == (0, answer, "")


async def test_a_gateway_that_should_get_no_mail_is_alive_and_not_ready_and_says_why(gateway: Running) -> None:
    gateway.service._stopping.set()
    assert await health(gateway) == (0, "alive", "")
    code, told, _ = await health(gateway, "--ready")
    assert (code, told.splitlines()[0].partition(":")[0]) == (1, "The gateway is stopping")


async def test_a_mistake_elsewhere_in_the_file_is_a_warning_and_the_gateway_is_asked(gateway: Running) -> None:
    file = gateway.settings.file
    written = file.read_text()
    file.write_text(written.replace("next_hop =", "nexthop ="))
    code, told, warned = await health(gateway)
    assert (code, told) == (0, "alive")
    assert warned.startswith(f"warning: the configuration file is wrong, and no start or reload would obey it: {file}:")
    assert "\n" not in warned
    gateway.service._stopping.set()
    assert (await health(gateway, "--ready"))[0] == 1


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:99999"])
async def test_an_address_that_can_not_be_read_is_named(gateway: Running, listen: str) -> None:
    code, _, trouble = await health(gateway, listen=listen)
    assert code == 2
    assert "metrics.listen" in trouble


async def test_where_nobody_answers_the_address_is_named(gateway: Running) -> None:
    code, _, trouble = await health(gateway, listen="127.0.0.1:9")
    assert code == 1
    assert trouble.startswith("metrics.listen 127.0.0.1:9 does not answer")
    code, _, trouble = await health(gateway, listen="")
    assert code == 1
    assert trouble.startswith('metrics.listen is ""')


async def test_a_gateway_that_listens_everywhere_is_asked_on_its_own_machine(gateway: Running) -> None:
    assert await health(gateway, listen=f"0.0.0.0:{gateway.metrics}") == (0, "alive", "")
