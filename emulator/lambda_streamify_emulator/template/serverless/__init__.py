"""The Serverless Framework's serverless.yml, translated into a template."""
