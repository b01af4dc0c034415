"""What graphs are made of: sandboxes, tools, agents and how they work together, and the roles of `backedge repair`."""
