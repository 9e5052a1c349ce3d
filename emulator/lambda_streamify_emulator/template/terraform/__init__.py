"""What `terraform show -json` prints of a plan or a state, translated into a template."""
