"""One file for each output; all are made from a `racepage.finding.Analysis`, and nothing else."""
