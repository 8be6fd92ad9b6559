"""What the page and its neighbour are called; on its own, as who only looks for them needs none of what writes them."""

PAGE_NAME = "m365_usage.html"
DOCS_NAME = "m365_usage_docs.html"
