"""The container image: built, started with a read-only root, and asked to do its work."""
