"""The wires: each module speaks one API through its official client, and translates both ways."""
