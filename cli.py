"""`python cli.py …` from a checkout is the same as `racepage …`."""

from racepage.cli import main

if __name__ == "__main__":  # a process that `racepage stress` starts imports this, too
    main()
