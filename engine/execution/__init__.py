"""The driver: carries out what the schedule orders on asyncio, and writes the journal."""
