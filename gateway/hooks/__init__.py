"""Whom the gateway tells of trouble without mail: a web hook, and a program. Each takes a document, or says why not."""
