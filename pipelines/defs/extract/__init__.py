"""From Microsoft Graph to landing/ and into the raw tables."""
