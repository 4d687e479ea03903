"""``disambig generate``: synthetic corpora of any size with known people.

Their distributions are measured on real corpora.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from disambig.cli import options

if TYPE_CHECKING:
    import numpy as np

    from labeled.generator.text import Printer
    from labeled.generator.works import Papers

CHUNK_WORKS = 20_000
"""Works generated per chunk."""
LABELLED_ROWS = 800_000
"""Default maximum of labels; whole blocks are left without labels to meet it."""
ABSTRACT_WORDS = 90


@dataclass(frozen=True)
class CorpusCounts:
    """Counts of a written corpus."""

    works: int
    signatures: int
    labels: int


@click.command(
    epilog=options.format_examples(
        "disambig generate corpora/1m --signatures 1000000",
        "disambig generate corpora/small --signatures 20000 --seed 7 --abstracts",
        "disambig cluster corpora/1m/works.jsonl.gz --out people.jsonl",
    )
)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--signatures",
    required=True,
    type=click.IntRange(min=1, max=10**9),
    help="Author mentions to generate; the last work is completed.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="The same seed and number of signatures produce the same files.",
)
@click.option(
    "--labelled-share",
    type=click.FloatRange(0, 1),
    help="Share of the blocks with labels; default: all, up to 800,000 signatures.",
)
@click.option("--abstracts", is_flag=True, help="Generate an abstract for every work.")
@click.option("--plain", is_flag=True, help="Write .jsonl instead of .jsonl.gz.")
@options.quiet_option
def generate(
    out: Path,
    signatures: int,
    seed: int,
    labelled_share: float | None,
    abstracts: bool,
    plain: bool,
    quiet: bool,
) -> None:
    """Generate a corpus of works with known people.

    Writes works.jsonl.gz and labels.jsonl.gz to the folder OUT.

    Names, careers, research groups, titles, venues and noise follow distributions measured on
    real corpora; the number of people who share a common name grows with the corpus. Equal sizes
    and seeds produce equal files.
    """
    counts = generate_corpus(
        out, signatures, seed=seed, labelled_share=labelled_share, abstracts=abstracts, plain=plain
    )
    if not quiet:
        click.echo(
            f"{counts.works:,} works with {counts.signatures:,} signatures, "
            f"{counts.labels:,} of them labelled, in {out}"
        )


def generate_corpus(
    out: Path,
    signatures: int,
    *,
    seed: int = 0,
    labelled_share: float | None = None,
    abstracts: bool = False,
    plain: bool = False,
) -> CorpusCounts:
    """Write ``works.jsonl.gz`` and ``labels.jsonl.gz`` to ``out``; see :func:`generate`.

    Works are streamed; only the tables of groups and people are held in memory.
    """
    share = min(1.0, LABELLED_ROWS / signatures) if labelled_share is None else labelled_share
    out.mkdir(parents=True, exist_ok=True)
    works = mentions = labels = 0
    with ExitStack() as stack:
        works_file = stack.enter_context(_open_output(out / "works.jsonl", plain))
        labels_file = stack.enter_context(_open_output(out / "labels.jsonl", plain))
        for rows, label_rows, count in _generate_chunks(signatures, seed, share, abstracts):
            works_file.write("".join(rows).encode())
            labels_file.write("".join(label_rows).encode())
            works, mentions, labels = works + len(rows), mentions + count, labels + len(label_rows)
    return CorpusCounts(works, mentions, labels)


def _open_output(path: Path, plain: bool) -> IO[bytes]:
    if plain:
        return path.open("wb")
    raw = path.with_name(path.name + ".gz")
    # no time and no name in the header: equal content produces equal files
    return gzip.GzipFile("", "wb", 1, raw.open("wb"), mtime=0)  # type: ignore[return-value]


def _generate_chunks(
    signatures: int, seed: int, share: float, abstracts: bool
) -> Iterator[tuple[list[str], list[str], int]]:
    """Yield rows of works, rows of labels and the number of signatures of each chunk."""
    import numpy as np

    from labeled.generator.parameters import load_parameters
    from labeled.generator.people import build_world
    from labeled.generator.text import Printer
    from labeled.generator.works import draw_papers

    parameters = load_parameters()
    world = build_world(parameters, signatures, seed)
    printer = Printer(world, parameters)
    remaining, works, chunk = signatures, 0, 0
    while remaining > 0:
        rng = np.random.default_rng([seed, signatures, 2, chunk])
        papers = draw_papers(world, parameters, CHUNK_WORKS, chunk, rng)
        papers = papers.take_first(int(np.searchsorted(papers.authors, remaining)))
        names = printer.print_names(papers, rng)
        yield (
            _format_works(papers, printer, names, works, abstracts, rng),
            _format_labels(papers, printer, names, works, share, seed),
            len(names),
        )
        remaining, works, chunk = remaining - len(names), works + len(papers), chunk + 1


def _format_works(
    papers: Papers,
    printer: Printer,
    names: list[str],
    number: int,
    abstracts: bool,
    rng: np.random.Generator,
) -> list[str]:
    """Format works as lines of JSON; no text holds a quote or a backslash to escape."""
    titles, venues = printer.print_titles(papers, rng), printer.print_venues(papers, rng)
    affiliations, keywords = (
        printer.print_affiliations(papers, rng),
        printer.write_keywords(papers, rng),
    )
    summaries = (
        printer.write_abstracts(papers, ABSTRACT_WORDS, rng) if abstracts else [""] * len(papers)
    )
    years = printer.list_years(papers, rng)
    authors = [
        f'{{"name":"{name}","affiliation":"{place}"}}' if place else f'{{"name":"{name}"}}'
        for name, place in zip(names, affiliations, strict=True)
    ]
    author_start = papers.authors.tolist()
    rows = []
    for row in range(len(papers)):
        venue, abstract = venues[row], summaries[row]
        rows.append(
            f'{{"id":"w{number + row}","title":"{titles[row]}"'
            + (f',"abstract":"{abstract}"' if abstract else "")
            + (f',"venue":"{venue}"' if venue else "")
            + (f',"year":{years[row]}' if years[row] else "")
            + (f',"keywords":[{keywords[row]}]' if keywords[row] else "")
            + f',"authors":[{",".join(authors[author_start[row] : author_start[row + 1]])}]}}\n'
        )
    return rows


def _format_labels(
    papers: Papers, printer: Printer, names: list[str], number: int, share: float, seed: int
) -> list[str]:
    """Format labels of the signatures in labelled blocks as lines of JSON."""
    import numpy as np

    from labeled.generator.parameters import hash_keys

    limit = int(share * 2**32)
    size = np.diff(papers.authors)
    work = np.repeat(np.arange(number, number + len(papers)), size).tolist()
    position = (np.arange(size.sum()) - np.repeat(papers.authors[:-1], size)).tolist()
    person = hash_keys(papers.person, seed, 51).tolist()
    return [
        format_label(w, p, name, who, block)
        for w, p, name, who, block in zip(
            work, position, names, person, printer.compute_blocks(papers), strict=True
        )
        if zlib.crc32(block.encode()) < limit
    ]


def format_label(work: int, position: int, name: str, person: int, block: str) -> str:
    """Format a label as one line of JSON."""
    return (
        f'{{"work":"w{work}","position":{position},"name":"{name}","person":"p{person:016x}",'
        f'"block":"{block}","split":"dev"}}\n'
    )
