"""REST APIs of API Gateway."""
