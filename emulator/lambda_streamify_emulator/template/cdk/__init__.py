"""What the CDK writes: cloud assemblies."""
