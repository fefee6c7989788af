"""Computes the marts of a lake on a Spark cluster, through Spark Connect: a thin client here, nothing over there."""

from asp_analysis.spark.cluster import REMOTE_VARIABLE, MartText, SparkCluster, StagedFiles, wanted_cluster

__all__ = ["REMOTE_VARIABLE", "MartText", "SparkCluster", "StagedFiles", "wanted_cluster"]
