"""`python cli.py …` from a checkout is the same as `racepage …`."""

from racepage.cli import main

main()
