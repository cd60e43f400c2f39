"""Analysis of videos: options, pipeline, summaries and exports of its results."""
