"""Group chats: members who speak in turn until a condition ends them."""
