"""What Dagster sees: assets, checks, jobs and schedules. The work itself is done elsewhere."""

import warnings

import dagster as dg

# Backfill policies carry a beta mark in this Dagster; the version is pinned, so the warning tells nobody anything.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
