"""What people open: the published files of a release."""
