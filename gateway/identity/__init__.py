"""Who somebody is, as another service says: OpenID Connect. The only room that knows Authlib and its HTTP client."""
