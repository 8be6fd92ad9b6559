"""Taking action in a tenant: a plan that anyone can review first, then an apply that checks everything again."""
