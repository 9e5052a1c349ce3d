"""Containers: functions whose package is an image run in Docker, by its command line."""
