"""The documentation site: `make docs` builds it, `make docs-check` looks at it in a browser."""
