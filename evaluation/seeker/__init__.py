"""The simulated seeker, scored: what a person would not do, tagged with its severity, and how well its words show its hidden state."""
