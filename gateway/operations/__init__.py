"""What the gateway can be asked to do. The only callers of the store; they open every unit of work."""
