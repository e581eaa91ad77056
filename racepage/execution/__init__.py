"""The current execution: who runs, and what is recorded of it."""
