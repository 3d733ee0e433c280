"""The command line: `liaison`. The only room that knows click and rich; every verb is an operation's."""

from gateway.cli.program import main

__all__ = ["main"]
