"""Liaison Gateway: an SMTP relay that declines, refers and reports approaches from listed foreign missions."""
