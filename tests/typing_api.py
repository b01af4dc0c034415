from backedge import Graph as Graph
