"""What the page is called; on its own, as commands that only look for it need none of what writes it."""

PAGE_NAME = "m365_usage.html"
