"""Answers that students might give, a file a chapter.

`ANSWERS` gives for each exercise the `right` ones, in different styles, and the `wrong` ones, each with part
of the diagnosis that it must get: of the mistake's text, or one of the words of `bpc_minimal.checks.core`.
Each is code that runs in the chapter's namespace, as a cell of the reader's.
"""
