"""The ``disambig`` command: a lazy group whose commands live one in a module.

Modules of commands import only click and :mod:`disambig.cli.options` at the top, and what they
work with inside the command, so that help is instant; a test holds them to it. Other packages
add commands through entry points in the group ``disambig.commands`` under the same rule.
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
Author name disambiguation: works in, people out.

Reads papers with the names printed on them, and decides which mentions of a name are one
person. Each command explains itself and ends with examples: disambig COMMAND --help.

\b
A first walk:
  disambig demo                                      real papers: who is who, and why
  disambig cluster works.jsonl --out clusters.jsonl  an identity for each author mention
  disambig explain works.jsonl --a W1:0 --b W2:3     why two mentions are one person
\b
With labels, which say for some mentions who the person is:
  disambig evaluate clusters.jsonl labels.jsonl      how good the clusters are
  disambig report clusters.jsonl labels.jsonl \\
      --works works.jsonl --out report.html          where they fail, as a page
  disambig train works.jsonl --labels labels.jsonl --out my.model

\b
As a service, with identities that last while papers and decisions keep coming:
  disambig serve                                     the API and its database
  disambig load works.jsonl                          works into the database
  disambig worker                                    clusters when asked to
""",
    epilog="""\
\b
Exit status:
  0  done, every record was kept
  1  failed; the last line on standard error says why
  2  the command line is wrong
  3  done, but some records were rejected (the summary counts them)
  130  interrupted
""",
)
