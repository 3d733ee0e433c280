"""What the gateway keeps and plans: values only. No I/O, no clock, no randomness."""
