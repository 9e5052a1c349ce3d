"""The resources of CloudFormation itself, as plain templates and the CDK have them."""
