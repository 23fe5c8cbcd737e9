"""Casting: role cards of five sources, read and turned into a persona and a scenario."""
