"""The ``disambig`` command: a lazy group with one module for each command.

Modules of commands import only click and light helpers at the top, and everything else inside the
command, so that help is fast; a test checks this. Other packages add commands through entry points
in the group ``disambig.commands`` under the same rule.
"""

from __future__ import annotations

from disambig.cli.group import LazyGroup, version_option

#: Commands of this package in the order of the help; each is ``disambig.cli.<name>:<name>``.
COMMANDS = ("cluster", "explain", "evaluate", "report", "train")

main = LazyGroup(
    "disambig",
    commands_in="disambig.cli",
    builtin=COMMANDS,
    plugins="disambig.commands",
    params=[version_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="""\
Author name disambiguation: cluster author mentions by person.

Reads papers and decides which author mentions are one person. For help with examples:
disambig COMMAND --help.

\b
First steps:
  disambig demo                                      example papers and their clusters
  disambig cluster works.jsonl --out clusters.jsonl  an identity for each author mention
  disambig explain works.jsonl --a W1:0 --b W2:3     why two mentions are one person
\b
With labels, which state the person of some author mentions:
  disambig evaluate clusters.jsonl labels.jsonl      how good the clusters are
  disambig report clusters.jsonl labels.jsonl \\
      --works works.jsonl --out report.html          their errors, on one HTML page
  disambig train works.jsonl --labels labels.jsonl --out my.model

\b
As a service, with persistent identities while papers and decisions are added:
  disambig serve                                     run the API and its database
  disambig load works.jsonl                          load works into the database
  disambig worker                                    run queued clustering jobs
""",
    epilog="""\
\b
Exit status:
  0  done, every record was kept
  1  failed; the last line on standard error gives the reason
  2  the command line is invalid
  3  done, but some records were rejected (the summary counts them)
  130  interrupted
""",
)
