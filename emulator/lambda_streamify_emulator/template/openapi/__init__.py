"""OpenAPI definitions of APIs."""
