"""What is shipped for running it: unit, image and compose files say what the guide promises, and name what is there."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gateway.cli.program import COMMANDS
from gateway.settings import load
from gateway.supervisor.service import STOP_WITHIN
from tests.support.checkout import ROOT, document

if TYPE_CHECKING:
    from gateway.settings import Settings

UNIT = ROOT / "config" / "deploy" / "liaison.service"


def directives() -> dict[str, list[str]]:
    """Of the unit, in order; a name may stand more than once."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def seconds(span: str) -> float:
    """Of a time span as the unit writes it."""
    for unit, factor in (("min", 60), ("", 1)):
        if span.endswith(unit):
            return float(span.removesuffix(unit)) * factor
    raise AssertionError(span)


def test_the_unit_starts_a_command_that_there_is() -> None:
    (start,) = directives()["ExecStart"]
    program, option, file, command = shlex.split(start)
    assert program.endswith("/liaison")
    assert (option, file) == ("--config", "/etc/liaison/gateway.toml")
    assert command in COMMANDS


def test_the_unit_waits_to_be_told_that_mail_is_accepted_and_reloads_by_sighup() -> None:
    unit = directives()
    assert (unit["Type"], unit["NotifyAccess"]) == (["notify"], ["main"])
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_unit_lets_what_is_in_hand_end() -> None:
    stop_timeout = load(ROOT / "config" / "gateway.toml", {}).smtp.stop_timeout
    assert seconds(directives()["TimeoutStopSec"][0]) > max(stop_timeout, STOP_WITHIN) + 10


@pytest.mark.parametrize(
    "directive",
    [
        "LimitCORE=0", "User=liaison", "Group=liaison", "UMask=0077", "StateDirectory=liaison", "StateDirectoryMode=0700",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "NoNewPrivileges=yes",
        "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "ProtectProc=invisible",
        "ProtectClock=yes", "ProtectHostname=yes", "ProtectControlGroups=yes", "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes", "ProtectKernelTunables=yes", "RemoveIPC=yes", "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictRealtime=yes", "RestrictSUIDSGID=yes",
        "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources",
    ],
)  # fmt: skip
def test_the_unit_has_the_limit(directive: str) -> None:
    """Each of them is in `systemd-analyze security`, which has the sum."""
    name, _, value = directive.partition("=")
    assert value in directives()[name]


# --- containers -------------------------------------------------------------------------------------------------------

DEPLOY = ROOT / "config" / "deploy"
COMPOSED = ("compose.yaml", "cluster/compose.yaml")


def services(name: str) -> dict[str, dict[str, Any]]:
    """Of a compose file, anchors and merges resolved."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]
    return found


def gateways(name: str) -> dict[str, dict[str, Any]]:
    """Those that run our image for good."""
    ours = {service: keys for service, keys in services(name).items() if keys["image"] == "liaison-gateway"}
    return {service: keys for service, keys in ours.items() if "profiles" not in keys}


def settings_of(keys: dict[str, Any]) -> Settings:
    """What a service's environment makes of the shipped configuration."""
    ours = {name: value for name, value in keys["environment"].items() if name.startswith("LIAISON_")}
    return load(ROOT / "config" / "gateway.toml", ours)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_gateway_in_a_container_may_write_nowhere_but_where_something_is_mounted(name: str) -> None:
    assert gateways(name)
    for keys in gateways(name).values():
        assert keys["read_only"]
        assert keys["cap_drop"] == ["ALL"]
        assert keys["security_opt"] == ["no-new-privileges:true"]
        mounted = [mount.split(":")[1] for mount in keys["volumes"] if not mount.endswith(":ro")]
        mounted += [mount.split(":")[0] for mount in keys["tmpfs"]]
        assert sorted(mounted) == ["/tmp", "/var/lib/liaison"]


@pytest.mark.parametrize("name", COMPOSED)
def test_a_gateway_in_a_container_is_given_settings_that_are_understood_and_time_to_stop(name: str) -> None:
    for keys in gateways(name).values():
        settings = settings_of(keys)
        assert seconds(keys["stop_grace_period"].removesuffix("m") + "min") > max(settings.smtp.stop_timeout, 40) + 10
        (size,) = [int(mount.split("size=")[1].split("m")[0]) for mount in keys["tmpfs"] if mount.startswith("/tmp")]
        assert size << 20 > settings.smtp.max_in_flight


@pytest.mark.parametrize("name", COMPOSED)
def test_what_a_compose_file_mounts_from_beside_it_is_there_or_made_by_the_guide(name: str) -> None:
    mounts = [mount.split(":")[0] for keys in services(name).values() for mount in keys.get("volumes", [])]
    beside = {mount for mount in mounts if mount.startswith("./")} - {"./etc"}
    assert [mount for mount in beside if not (DEPLOY / name).parent.joinpath(mount).is_file()] == []


def test_the_first_configuration_is_written_where_the_gateway_reads_it() -> None:
    composed = services("compose.yaml")
    (guide,) = re.findall(r"docker compose run --rm (\w+) ", document("docs/installation.md"))
    assert composed[guide]["command"][0] in COMMANDS
    assert composed[guide]["profiles"]
    assert [mount.removesuffix(":ro") for mount in composed["liaison"]["volumes"]] == composed[guide]["volumes"]
    assert composed[guide]["environment"] == composed["liaison"]["environment"]


@pytest.mark.parametrize("name", COMPOSED)
def test_port_25_is_published_to_where_something_listens(name: str) -> None:
    for keys in services(name).values():
        for port in keys.get("ports", []):
            outside, inside = port.split(":")
            assert outside == "25"
            if keys["image"] == "liaison-gateway":
                assert [endpoint.port for endpoint in settings_of(keys).smtp.listen] == [int(inside)]
            else:
                assert f"bind :{inside}" in document("config/deploy/cluster/haproxy.cfg")


def test_haproxy_sends_mail_and_checks_to_where_the_nodes_listen_and_is_believed_by_them() -> None:
    composed = services("cluster/compose.yaml")
    nodes = gateways("cluster/compose.yaml")
    balancer = document("config/deploy/cluster/haproxy.cfg")
    servers = re.findall(r"^ +server \S+ (\S+):(\d+) (.*)$", balancer, re.MULTILINE)
    assert {name for name, _, _ in servers} == set(nodes)
    assert len({keys["hostname"] for keys in nodes.values()}) == len(nodes) > 1
    for name, port, options in servers:
        settings = settings_of(nodes[name])
        assert [endpoint.port for endpoint in settings.smtp.listen] == [int(port)]
        assert settings.metrics.listen is not None
        assert options in {f"check port {settings.metrics.listen.port}", "backup"}
        believed = ip_network(str(settings.smtp.proxy_protocol_from[0]))
        assert ip_address(composed["balancer"]["networks"]["inside"]["ipv4_address"]) in believed


def test_the_image_runs_as_nobody_special_and_is_checked_by_a_command_that_there_is() -> None:
    image = document("Dockerfile")
    assert "\nARG BASE=" in image
    assert "\nUSER 10001:10001\n" in image
    check = re.search(r'^HEALTHCHECK .*CMD \["liaison", "(\w+)"\]$', image, re.MULTILINE)
    assert check
    assert check[1] in COMMANDS
    assert "STOPSIGNAL SIGTERM" in image


def test_the_image_is_made_of_files_that_its_context_has() -> None:
    allowed = {line[1:] for line in document(".dockerignore").splitlines() if line[:1] == "!"}
    assert {"filters", "gateway", "templates", "config", "pyproject.toml", "README.md", "LICENSE"} <= allowed
    copied = set(re.findall(r"\S+\.lock", document("Dockerfile")))
    assert copied <= allowed
    assert [name for name in allowed if not (ROOT / name).exists()] == []
