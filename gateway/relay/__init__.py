"""The sending side of SMTP: pass-through to the next hop, and delivery of mail that we originate."""
