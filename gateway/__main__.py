"""`python -m gateway` is `task-gateway`."""

from gateway.cli import main

main()
