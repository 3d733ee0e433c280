"""What `liaison check` looks at, a module for each side of the gateway. Nothing here changes anything."""
