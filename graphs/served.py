"""The support graph as LangGraph's own tools load it (`langgraph.json`): `langgraph dev`, LangGraph Studio.

Their server allows no blocking call inside a node, so whatever the nodes read from files is read here, when the module is imported.  It
brings its own checkpointer.  Nothing else imports this module.
"""

from __future__ import annotations

from agents import crisis
from agents.rehearsal.listening import ear
from agents.rehearsal.repertoire import common
from graphs.recipe import Recipe
from graphs.seats import seated
from graphs.support import build
from simulator.sampling import space
from simulator.scenario import library
from simulator.voice import voice


def warmed() -> None:
    """Read the library, the repertoire, the prompts and the gate's files once."""
    seated(Recipe())
    for read in (library, ear, common, voice, space):
        read()
    crisis.screen("hello")
    crisis.handover(0)


warmed()
graph = build().compile()
