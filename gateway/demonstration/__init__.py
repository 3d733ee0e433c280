"""`liaison demo`: the real gateway on loopback, messages through real SMTP, and what became of each."""
