"""The receiving side of SMTP: listeners, the engine, the grammar of commands, the reading of DATA."""
