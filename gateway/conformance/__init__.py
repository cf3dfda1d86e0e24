"""The conformance kit: what every adapter owes the gateway, whichever vendor it speaks to.

`examine(file, today)` runs on any adapter file and its samples and opens no socket. One module holds one group of
checks; a check is a small function: the first line of its docstring is what holds, the rest is what to do when it does
not. What is tried comes from the adapter itself: its tables (`canaries`), the words of its file (`words`), its samples
(`samples`) bent in every way (`bent`, `bodies`).
"""

from gateway.conformance.kit import Finding, Report, examine

__all__ = ["Finding", "Report", "examine"]
