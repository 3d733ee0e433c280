"""A Chromium for the console's tests: where it is, and how it gets there. `python -m tests.support.chromium` installs it.

The system's own is taken where there is one; Playwright downloads one where the system can't give it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

MISSING = "There is no Chromium for the console's tests: `make browser` installs one, or says why it can't."


def chromium() -> Path | None:
    """The browser that the tests use; None when there is none."""
    system = shutil.which("chromium")
    if system is not None and _starts(Path(system)):
        return Path(system)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def install(os_release: str) -> None:
    """Try each way until there is one."""
    for commands in _ways(debian=_is_debian(os_release)):
        for command in commands:
            _tell_and_run(command)
        if chromium() is not None:
            return


def _tell_and_run(command: list[str]) -> None:
    sys.stderr.write(f"Chromium is missing: {' '.join(command)}\n")
    subprocess.run(command, check=False)


def _ways(*, debian: bool) -> list[list[list[str]]]:
    """Each way is a list of commands. Ubuntu's package is a stub for a snap, which doesn't start in a container."""
    root = _as_root()
    playwright = [sys.executable, "-m", "playwright", "install"]
    ways = []
    if debian and root is not None:
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
        ways.append([[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "chromium"]])
    ways.append([[*playwright, *(["--with-deps"] if root is not None else []), "chromium"]])
    return ways


def _as_root() -> list[str] | None:
    """What stands before a command that root alone may give; None where we can't be root without a password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode != 0:
        return None
    return [sudo, "-n"]


def _is_debian(os_release: str) -> bool:
    """Debian and what is made of it, Ubuntu excepted."""
    lines = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    names = f"{lines.get('ID', '')} {lines.get('ID_LIKE', '')}".replace('"', "").split()
    return "debian" in names and "ubuntu" not in names


def _starts(executable: Path) -> bool:
    try:
        asked = subprocess.run([executable, "--version"], check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def main() -> None:
    """Nothing where there is one already."""
    if chromium() is not None:
        return
    release = Path("/etc/os-release")
    install(release.read_text(encoding="utf-8") if release.exists() else "")
    if chromium() is None:
        sys.exit(
            "The console's tests need Chromium, and it could not be installed (see above). "
            "As root: `apt-get install chromium` on Debian, `playwright install --with-deps chromium` elsewhere."
        )


if __name__ == "__main__":
    main()
