"""What the DNS says about a sender: questions, sender authentication, and where mail for a domain goes."""
