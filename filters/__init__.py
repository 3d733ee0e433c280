"""Pure screening: decides and touches nothing. No I/O, no clock, no randomness, no logging."""
