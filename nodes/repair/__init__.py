"""The roles of `backedge repair`: a specification, a coder that searches, an interpreter and a checker, and their graph."""
