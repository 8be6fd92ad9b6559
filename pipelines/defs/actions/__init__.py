"""What was done to tenants, and the policies that plan what is to be done."""
