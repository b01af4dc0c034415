"""The graph, its analysis, the state, the schedule, the executor: everything but journals, models and ready nodes."""
