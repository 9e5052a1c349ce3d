"""The real SAM CLI on the template: what `sam local` and a deployment make of it."""
