"""The pages, one module for each room: contexts, handlers, and `ROUTES`."""
