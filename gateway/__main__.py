"""`python -m gateway` is the `liaison` command."""

from gateway.cli import main

main()
