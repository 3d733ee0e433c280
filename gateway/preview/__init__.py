"""What of a message a person may safely see."""
