"""The long test: `make soak`. Not collected by `make test`."""
