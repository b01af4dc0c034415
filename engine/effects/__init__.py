"""Effects: interactions with the world inside a node, each of which is journaled and none of which is done twice.

Pure: which recorded effect answers which request (`recall`), what makes two requests the same (`identity`), where in an
activation a request stands (`places`). `backedge.engine.execution` carries them out.
"""
