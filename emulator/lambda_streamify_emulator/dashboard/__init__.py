"""The page on the Lambda API's port."""
