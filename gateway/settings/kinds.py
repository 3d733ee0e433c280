"""The kinds of value that keys hold: how each is read from TOML, what would be right, where its files are.

Reading is pure; only `Kind.missing` looks at the file system, to say which named files can't be read. No kind quotes
a value that may hold a secret. Addresses RFC 5321 §4.1.2 (by email-validator, without DNS), endpoints RFC 3986 §3.2.2.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from filters.address import canonical_domain
from gateway.settings.values import Endpoint

type_name = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "an array",
    dict: "a table",
}.get
