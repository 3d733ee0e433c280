"""Makes the bytes of every mail that we originate. Given the templates it is pure: it sends nothing, keeps nothing."""
