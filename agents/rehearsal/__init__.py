"""The rehearsal backend's supporter side: retrieval over an authored repertoire.

No network, no weights, deterministic by seed.  It sees only the talk, so it answers any text, a human's too.
"""
