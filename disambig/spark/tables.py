"""Counting, grouping, joining and sorting as Spark SQL operations.

All functions take and return lazy tables (:class:`pyspark.sql.DataFrame`) with the columns that
:mod:`disambig.spark.tasks` writes.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from disambig.blocking.cross_block import MAX_SHARING
from disambig.clustering.cross_block import MAX_REPRESENTATIVES, choose_representatives
from disambig.out_of_core.shards import SCHEMA
from disambig.spark.tasks import COAUTHORS, EDGE, NUMBER_BITS

FULL_KIND = 0
"""Index of the full keys in :data:`disambig.corpus.statistics.KINDS`."""
_OWN_FROM = SCHEMA.names.index("position")


def sum_counts(counts: DataFrame) -> DataFrame:
    """Sum counts over the whole corpus: kind, a, b, count."""
    return counts.groupBy("kind", "a", "b").agg(F.sum("count").alias("count"))


def select_counts(keys: DataFrame, counts: DataFrame) -> DataFrame:
    """Select the counts that each part needs: part, kind, a, b, count.

    Parameters
    ----------
    keys : part, kind, a
        Keys that the parts need, each at most once per part.
    counts : kind, a, b, count
        Of the whole corpus. An edge is selected if the part needs both of its ends.
    """
    single = keys.join(counts.where(F.col("kind") < EDGE), ["kind", "a"])
    ends = (
        keys.where(F.col("kind") == FULL_KIND).groupBy("a").agg(F.collect_list("part").alias("at"))
    )
    edges = (
        counts.where(F.col("kind") == EDGE)
        .join(ends.withColumnRenamed("at", "at_a"), "a")
        .join(ends.select(F.col("a").alias("b"), F.col("at").alias("at_b")), "b")
        .withColumn("part", F.explode(F.array_intersect("at_a", "at_b")))
    )
    columns = ["part", "kind", "a", "b", "count"]
    return single.select(columns).unionByName(edges.select(columns))


def apply_moves(table: DataFrame, atoms: DataFrame) -> DataFrame:
    """Update identity and block of rows by the moves of their atoms.

    Parameters
    ----------
    atoms : atom, to_identity, to_block
        Few.
    """
    rows = table.join(atoms, "atom", "left")
    for name in ("identity", "block"):
        rows = rows.withColumn(name, F.coalesce(f"to_{name}", name))
    return rows.drop("to_identity", "to_block")


def find_candidates(evidence: DataFrame, signatures: DataFrame) -> DataFrame:
    """Find candidate pairs of identities of different blocks: a, b, in order of first appearance.

    Same result as :func:`disambig.blocking.cross_block.find_cross_block_pairs`.

    Parameters
    ----------
    evidence : kind, key, identity, block
    signatures : identity, work, position
    """
    distinct_evidence = evidence.select("kind", "key", "identity", "block").distinct()
    bearers = F.count(F.lit(1)).over(Window.partitionBy("kind", "key"))
    rare_evidence = distinct_evidence.withColumn("n", bearers).where(
        F.col("n").between(2, MAX_SHARING)
    )
    identities_by_key = rare_evidence.groupBy("kind", "key").agg(
        F.array_sort(F.collect_list(F.struct("identity", "block"))).alias("who")
    )
    pairs = (
        identities_by_key.select("kind", "who", F.posexplode("who").alias("place", "one"))
        .select("kind", "one", F.explode(F.expr("slice(who, place + 2, size(who))")).alias("two"))
        .where(F.col("one.block") != F.col("two.block"))
        .groupBy("kind", F.col("one.identity").alias("a"), F.col("two.identity").alias("b"))
        .count()
        .where((F.col("kind") != COAUTHORS) | (F.col("count") >= 2))
        .select("a", "b")
        .distinct()
    )
    first = find_first_signatures(signatures, "identity")
    for end in ("a", "b"):
        pairs = pairs.join(
            first.select(F.col("identity").alias(end), F.col("first").alias(f"first_{end}")), end
        )
    is_ordered = F.col("first_a") < F.col("first_b")
    return pairs.select(
        F.when(is_ordered, F.col("a")).otherwise(F.col("b")).alias("a"),
        F.when(is_ordered, F.col("b")).otherwise(F.col("a")).alias("b"),
    )


def find_split_must_groups(signatures: DataFrame) -> DataFrame:
    """Find all signatures of the identities that contain only a part of a must-group."""
    groups = signatures.where("must >= 0").groupBy("must")
    split_groups = groups.agg(F.count_distinct("identity").alias("n")).where("n > 1")
    identities = signatures.join(split_groups, "must", "left_semi").select("identity").distinct()
    columns = ("work", "position", "atom", "identity", "block")
    return signatures.join(identities, "identity", "left_semi").select(*columns)


def assign_parts(pairs: DataFrame, n: int) -> DataFrame:
    """Divide candidates into n parts: part, a, b. Those of one identity are mostly together."""
    return pairs.withColumn("part", F.pmod(F.hash("a"), F.lit(n)))


def apply_joins(signatures: DataFrame, identities: DataFrame) -> DataFrame:
    """Update the identity of signatures by the joins.

    Parameters
    ----------
    identities : identity, to_identity
        Few.
    """
    rows = signatures.join(identities, "identity", "left")
    return rows.withColumn("identity", F.coalesce("to_identity", "identity")).drop("to_identity")


def find_first_signatures(signatures: DataFrame, by: str) -> DataFrame:
    """Find the smallest (work, position) of each group of signatures, as ``first``."""
    return signatures.groupBy(by).agg(F.min(F.struct("work", "position")).alias("first"))


def select_representatives(
    spark: SparkSession, candidates: DataFrame, signatures: DataFrame
) -> DataFrame:
    """Select the representatives for each part: part, shard, work, position, identity.

    Parameters
    ----------
    candidates : part, a, b
    signatures : atom, identity, work, position
    """
    ends = (
        candidates.select("part", F.col("a").alias("identity"))
        .union(candidates.select("part", F.col("b").alias("identity")))
        .distinct()
    )
    members = signatures.join(ends.select("identity").distinct(), "identity", "left_semi")
    within = Window.partitionBy("identity")
    rank = F.row_number().over(within.orderBy("work", "position")) - 1
    ranked = members.withColumn("rank", rank).withColumn("n", F.count(F.lit(1)).over(within))
    size = (
        members.groupBy("identity")
        .agg(F.count(F.lit(1)).alias("n"))
        .where(F.col("n") > MAX_REPRESENTATIVES)
    )
    # the same function as in a local run chooses the representatives of n signatures
    sizes = [row["n"] for row in size.select("n").distinct().collect()]
    positions = [(n, k) for n in sizes for k in choose_representatives(n).tolist()]
    table = spark.createDataFrame(positions, "n long, rank int")
    small = ranked.where(F.col("n") <= MAX_REPRESENTATIVES)
    large = ranked.join(F.broadcast(table), ["n", "rank"], "left_semi")
    shard = F.shiftright("atom", NUMBER_BITS).cast("int").alias("shard")
    representatives = small.unionByName(large.select(small.columns))
    return representatives.join(ends, "identity").select(
        "part", shard, "work", "position", "identity"
    )


def select_signatures(works: DataFrame, signatures: DataFrame) -> DataFrame:
    """Select some signatures, with their works: part and the columns of a shard.

    Parameters
    ----------
    works : part (the shard) and the columns of a shard
    signatures : part, shard, work, position
    """
    positions = signatures.groupBy("part", "shard", "work").agg(
        F.collect_set("position").alias("chosen")
    )
    rows = positions.join(works.withColumnRenamed("part", "shard"), ["shard", "work"])
    own_columns = [
        F.expr(f"filter({name}, (x, i) -> array_contains(chosen, position[i])) AS {name}")
        for name in SCHEMA.names[_OWN_FROM:]
    ]
    return rows.select("part", *SCHEMA.names[:_OWN_FROM], *own_columns)


def make_output_rows(signatures: DataFrame) -> DataFrame:
    """Make the rows of the output in order, each with the smallest signature of its identity."""
    first = find_first_signatures(signatures, "identity")
    return (
        signatures.join(first, "identity")
        .select(
            "work",
            "position",
            "name",
            "confidence",
            F.col("first.work").alias("first_work"),
            F.col("first.position").alias("first_position"),
        )
        .orderBy("work", "position")
    )


def write_parts(table: DataFrame, folder: Path) -> None:
    """Write the rows of each part to a folder of its own."""
    table.repartition("part").write.partitionBy("part").parquet(folder.as_uri())
