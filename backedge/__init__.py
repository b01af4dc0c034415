"""Graph workflows of agents and tools, acyclic and cyclic: typed, parallel, journaled, resumable."""

from backedge.engine.compile import BackedgeWarning
from backedge.engine.context import Context
from backedge.engine.errors import *  # noqa: F403
from backedge.engine.flow import Flow, RunOptions
from backedge.engine.graph import END, START, Graph, Node
from backedge.engine.reducers import add, append, extend, maximum, merge, minimum, union
from backedge.engine.run import Run, RunResult
