"""What waits for a start when the configuration is read again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.settings import needs_restart, until_restart
from gateway.settings.schema import keys_of, sections

if TYPE_CHECKING:
    from tests.support.configurations import Reader

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_a_key_that_any_process_obeys_at_once_waits_for_nothing(read: Reader) -> None:
    running, changed = read(), read('[smtp]\nhostname = "mx2.police.example"\nidle_timeout = 20')
    assert needs_restart(running, changed) == ()
    assert until_restart(running, changed) == changed


def test_a_key_that_only_a_start_obeys_is_named_and_keeps_its_running_value(read: Reader) -> None:
    running = read()
    changed = read('[smtp]\nworkers = 3\nidle_timeout = 20\n[log]\nlevel = "debug"')
    assert needs_restart(running, changed) == ("smtp.workers", "log.level")
    settings = until_restart(running, changed)
    assert (settings.smtp.workers, settings.smtp.idle_timeout, settings.log) == (1, 20, running.log)


def test_the_operators_guide_names_all_of_them() -> None:
    (said,) = re.findall(r"Only a start\s+obeys (.*?): `key_needs_restart`", OPERATIONS.read_text("utf-8"), re.DOTALL)
    named = set(re.findall(r"`([^`]+)`", said))
    expected = set()
    for section in sections():
        keys = keys_of(section.fields)
        at_start = {spec.name for spec in keys if spec.key.at_start}
        whole = len(keys) == len(at_start) > 1
        expected |= {f"[{section.name}]"} if whole else {f"{section.name}.{name}" for name in at_start}
    assert named == expected
