"""The workbook of a release: one sheet per question, as native Excel tables."""
