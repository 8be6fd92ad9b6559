"""What the workbook is called; on its own, as commands that only copy it need none of what writes it."""

WORKBOOK_NAME = "m365_usage.xlsx"
