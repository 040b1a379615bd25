"""Tables as people have them: in text of many forms, in a workbook, in a log, in a data frame."""
