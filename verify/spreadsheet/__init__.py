"""Spreadsheets: the sheets of a workbook as tables, each number with the digits that its author sees."""
