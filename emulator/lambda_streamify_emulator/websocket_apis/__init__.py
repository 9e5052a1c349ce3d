"""WebSocket APIs of API Gateway."""
