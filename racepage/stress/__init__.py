"""The stress suite: every workload, explored by every strategy, and held to its known answer."""
