"""What makes a release: `make release`, and what the workflows of a tag run. RELEASING.md describes both."""
