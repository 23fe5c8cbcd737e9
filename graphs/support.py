"""The support graph on one page: who speaks next.

    seeker -> screen -> plan -> respond -> critique -> deliver -> seeker ... end
                |                           |    ^
                +-> handover -> end         +-> refine (bounded)

Flat, async (LangGraph sends sync functions to a thread pool), conditional edges only, state of plain JSON: so a checkpoint can be taken,
edited and forked at every node.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import get_runtime

from graphs import nodes
from graphs.nodes import Context
from graphs.seats import recipe_here
from graphs.state import Start, State


def _recipe() -> Context:
    return recipe_here() or get_runtime(Context).context


async def after_screen(state: State) -> Literal["handover", "plan", "__end__"]:
    """To the handover on a crisis, to the end when the seeker has left, else to the planner."""
    if state.get("crisis"):
        return "handover"
    return "__end__" if state.get("stop") else "plan"


async def after_respond(state: State) -> Literal["critique", "deliver"]:
    """To the critic on the turns that it sees."""
    return "critique" if nodes.wants_critic(state, _recipe()) else "deliver"


async def after_critique(state: State) -> Literal["refine", "deliver"]:
    """To a refinement while the critic does not accept and may still try."""
    refinements = len(state["versions"]) - 1
    limit = _recipe().critic.refinements
    return "deliver" if state["critiques"][-1]["accepted"] or refinements >= limit else "refine"


async def after_deliver(state: State) -> Literal["seeker", "__end__"]:
    """Back to the seeker, unless the talk has ended."""
    return "__end__" if state.get("stop") else "seeker"


def build(first: str = "seeker") -> StateGraph[State, Context, Any, State]:
    """The graph, not compiled: compile it with the checkpointer that the use needs (none for batches).

    Args:
        first: the node that it enters at; at another than the seeker it takes a whole state, a talk in progress.
    """
    graph: StateGraph[State, Context, Any, State] = StateGraph(
        State, context_schema=Context, input_schema=Start if first == "seeker" else State, output_schema=State
    )
    for node in (nodes.seeker, nodes.screen, nodes.plan, nodes.respond, nodes.critique, nodes.refine, nodes.deliver, nodes.handover):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, first)
    graph.add_edge("seeker", "screen")
    graph.add_conditional_edges("screen", after_screen, ["handover", "plan", END])
    graph.add_edge("plan", "respond")
    graph.add_conditional_edges("respond", after_respond, ["critique", "deliver"])
    graph.add_conditional_edges("critique", after_critique, ["refine", "deliver"])
    graph.add_edge("refine", "critique")
    graph.add_conditional_edges("deliver", after_deliver, ["seeker", END])
    graph.add_edge("handover", END)
    return graph


@cache
def support_graph() -> Any:
    """The compiled graph without a checkpointer, for batches."""
    return build().compile()
