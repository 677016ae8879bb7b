"""What a run leaves behind: files for machines, for spreadsheets and for people."""

from hydrobid.cli.report.write import write_run

__all__ = ["write_run"]
