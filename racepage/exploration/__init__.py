"""Which thread goes next: strategies, schedules, verdicts."""
