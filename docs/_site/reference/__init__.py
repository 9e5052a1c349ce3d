"""The pages of docs/reference that are made from data, one file of YAML a page.

A page is a list of sections. A section has a heading, its level, and parts. A part is one of these:

* `text`, in Markdown;
* `columns` and `rows`, a table: a row holds its cells by the names of the columns, and leaves out those that are empty;
* `messages`, each with the `message` and the `advice` that stands below it;
* `rules`, the table of all rules of `streamify check`, which comes from the code.
"""
