"""docs/recipes.md, followed: its configuration is taken from the document and run with the real programs."""
