"""The state: fields and their types, values as JSON, snapshots that flow along the edges, reducers and merge."""
